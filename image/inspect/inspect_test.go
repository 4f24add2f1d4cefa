package inspect_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/nacre-cloud/nacre/image/inspect"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/machinetest"
)

const disk = 10 << 20 // the size every image of these tests claims

// img is an image under construction; b and l write big- and little-endian.
type img []byte

func blank(size int) img { return make(img, size) }

func (i img) put(at int, s string) img { copy(i[at:], s); return i }

func (i img) b32(at int, v uint32) img { binary.BigEndian.PutUint32(i[at:], v); return i }
func (i img) b64(at int, v uint64) img { binary.BigEndian.PutUint64(i[at:], v); return i }
func (i img) l16(at int, v uint16) img { binary.LittleEndian.PutUint16(i[at:], v); return i }
func (i img) l32(at int, v uint32) img { binary.LittleEndian.PutUint32(i[at:], v); return i }
func (i img) l64(at int, v uint64) img { binary.LittleEndian.PutUint64(i[at:], v); return i }

func qcow2(version uint32) img {
	i := blank(256<<10).put(0, "QFI\xfb").b32(4, version).b32(20, 16).b64(24, disk)
	if version == 3 {
		i.b32(100, 112)
	}
	return i
}

const sparse = "# Disk DescriptorFile\nversion=1\nCID=1234\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\n\nRW 20480 SPARSE \"disk.vmdk\"\n"

func vmdk(descriptor string) img {
	return blank(128<<10).put(0, "KDMV").l32(4, 1).l64(12, disk/512).l64(28, 1).l64(36, 20).put(512, descriptor)
}

func vdi() img {
	return blank(128<<10).put(0x40, "\x7f\x10\xda\xbe").l32(0x44, 0x00010001).l32(0x4c, 1).l64(0x170, disk)
}

func footer(kind uint32) img {
	return blank(512).put(0, "conectix").b64(48, disk).b32(60, kind)
}

func dynamicVHD(kind uint32) img {
	i := blank(128 << 10)
	copy(i, footer(kind))
	return i.put(512, "cxsparse")
}

func fixedVHD() img { return append(blank(disk), footer(2)...) }

func vhdx() img {
	i := blank(4<<20).put(0, "vhdxfile").put(192<<10, "regi").l32(192<<10+8, 1)
	i.put(192<<10+16, "\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e").l64(192<<10+32, 2<<20)
	i.put(2<<20, "metadata").l16(2<<20+10, 2)
	i.put(2<<20+32, "\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b").l32(2<<20+48, 64<<10)
	i.put(2<<20+64, "\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8").l32(2<<20+80, 64<<10+8)
	return i.l64(2<<20+64<<10+8, disk)
}

func iso() img {
	return blank(128<<10).put(0x8000, "\x01CD001\x01").l32(0x8000+80, disk/2048).l16(0x8000+128, 2048)
}

var accepted = []struct {
	name    string
	format  inspect.Format
	content img
	size    int64
}{
	{"raw", inspect.Raw, blank(100 << 10), 100 << 10},
	{"an empty image", inspect.Raw, nil, 0},
	{"a small raw image", inspect.Raw, blank(7), 7},
	{"a raw disk with a partition table", inspect.Raw, blank(100<<10).put(510, "\x55\xaa").put(512, "EFI PART"), 100 << 10},
	{"a partition", inspect.AMI, blank(4096), 4096},
	{"a kernel", inspect.AKI, blank(5000).put(514, "HdrS"), 5000},
	{"a RAM disk", inspect.ARI, blank(600).put(0, "\x1f\x8b"), 600},
	{"qcow2 v2", inspect.QCOW2, qcow2(2), disk},
	{"qcow2 v3", inspect.QCOW2, qcow2(3), disk},
	{"qcow2 that was not closed", inspect.QCOW2, qcow2(3).b64(72, 1), disk},
	{"qcow2 with a feature table", inspect.QCOW2, qcow2(3).b32(112, 0x6803f857).b32(116, 48), disk},
	{"vmdk", inspect.VMDK, vmdk(sparse), disk},
	{"vdi", inspect.VDI, vdi(), disk},
	{"dynamic vhd", inspect.VHD, dynamicVHD(3), disk},
	{"fixed vhd", inspect.VHD, fixedVHD(), disk},
	{"vhdx", inspect.VHDX, vhdx(), disk},
	{"iso", inspect.ISO, iso(), disk},
	{"iso that boots from USB", inspect.ISO, iso().put(510, "\x55\xaa"), disk},
}

func TestGoodImagesAreAccepted(t *testing.T) {
	for _, tt := range accepted {
		t.Run(tt.name, func(t *testing.T) {
			want := inspect.Info{Format: tt.format, VirtualSize: tt.size}
			if got, err := whole(tt.content, tt.format, inspect.Policy{}); err != nil || got != want {
				t.Errorf("inspected %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

var refused = []struct {
	name    string
	format  inspect.Format
	content img
	why     error
}{
	{"qcow2 with a backing file", inspect.QCOW2, qcow2(3).b64(8, 512).b32(16, 11).put(512, "/etc/passwd"), inspect.ErrUnsafe},
	{"qcow2 v2 with a backing file", inspect.QCOW2, qcow2(2).b64(8, 512).b32(16, 11), inspect.ErrUnsafe},
	{"qcow2 with a data file", inspect.QCOW2, qcow2(3).b64(72, 4), inspect.ErrUnsafe},
	{"qcow2 with the name of a data file", inspect.QCOW2, qcow2(3).b32(112, 0x44415441).b32(116, 8), inspect.ErrUnsafe},
	{"qcow2 v2 with the name of a data file", inspect.QCOW2, qcow2(2).b32(72, 0x44415441).b32(76, 8), inspect.ErrUnsafe},
	{"qcow2 with an unknown feature", inspect.QCOW2, qcow2(3).b64(72, 1<<40), inspect.ErrMismatch},
	{"corrupt qcow2", inspect.QCOW2, qcow2(3).b64(72, 2), inspect.ErrMismatch},
	{"encrypted qcow2", inspect.QCOW2, qcow2(3).b32(32, 2), inspect.ErrEncrypted},
	{"qcow2 with a key slot", inspect.QCOW2, qcow2(3).b32(112, 0x0537be77).b32(116, 16), inspect.ErrEncrypted},
	{"qcow v1", inspect.QCOW2, qcow2(1), inspect.ErrMismatch},
	{"qcow v4", inspect.QCOW2, qcow2(4), inspect.ErrMismatch},
	{"qcow2 with huge clusters", inspect.QCOW2, qcow2(3).b32(20, 63), inspect.ErrMismatch},
	{"qcow2 with a huge extension", inspect.QCOW2, qcow2(3).b32(112, 1).b32(116, 0xffffffff), inspect.ErrMismatch},
	{"qcow2 with a huge header", inspect.QCOW2, qcow2(3).b32(100, 0xfffffff8), inspect.ErrMismatch},
	{"qcow2 with a negative size", inspect.QCOW2, qcow2(3).b64(24, 1<<63), inspect.ErrMismatch},
	{"qcow2 cut in its header", inspect.QCOW2, qcow2(3)[:90], inspect.ErrMismatch},
	{"vmdk with a flat extent", inspect.VMDK, vmdk("createType=\"monolithicFlat\"\nparentCID=ffffffff\nRW 20480 FLAT \"/etc/passwd\" 0\n"), inspect.ErrUnsafe},
	{"vmdk with two extents", inspect.VMDK, vmdk(sparse + "RW 1 SPARSE \"other.vmdk\"\n"), inspect.ErrUnsafe},
	{"vmdk without extents", inspect.VMDK, vmdk("createType=\"monolithicSparse\"\n"), inspect.ErrUnsafe},
	{"vmdk with a parent", inspect.VMDK, vmdk(sparse + "parentFileNameHint=\"/etc/passwd\"\n"), inspect.ErrUnsafe},
	{"vmdk with a parent behind the text", inspect.VMDK, vmdk(sparse + "\x00parentFileNameHint=\"/etc/passwd\"\n"), inspect.ErrUnsafe},
	{"vmdk with a parent's id", inspect.VMDK, vmdk("parentCID=1234\n" + sparse), inspect.ErrUnsafe},
	{"vmdk of split files", inspect.VMDK, vmdk("createType=\"twoGbMaxExtentSparse\"\nRW 20480 SPARSE \"s001.vmdk\"\n"), inspect.ErrUnsafe},
	{"vmdk without a disk of its own", inspect.VMDK, vmdk(sparse).l64(12, 0), inspect.ErrUnsafe},
	{"vmdk with two descriptors", inspect.VMDK, vmdk(sparse).l64(28, 40), inspect.ErrUnsafe},
	{"vmdk that is only a descriptor", inspect.VMDK, blank(4096).put(0, sparse), inspect.ErrUnsafe},
	{"vmdk cut in its descriptor", inspect.VMDK, vmdk(sparse)[:2000], inspect.ErrMismatch},
	{"vmdk of a hypervisor", inspect.VMDK, blank(4096).put(0, "COWD"), inspect.ErrMismatch},
	{"vdi with a parent", inspect.VDI, vdi().l32(0x1b8, 7), inspect.ErrUnsafe},
	{"vdi of the kind difference", inspect.VDI, vdi().l32(0x4c, 4), inspect.ErrUnsafe},
	{"vdi of another version", inspect.VDI, vdi().l32(0x44, 2), inspect.ErrMismatch},
	{"vhd with a parent", inspect.VHD, dynamicVHD(4), inspect.ErrUnsafe},
	{"vhd without a footer", inspect.VHD, blank(100 << 10), inspect.ErrMismatch},
	{"vhd shorter than a footer", inspect.VHD, blank(30), inspect.ErrMismatch},
	{"vhd larger than its bytes", inspect.VHD, fixedVHD()[1024:], inspect.ErrMismatch},
	{"vhdx with a parent", inspect.VHDX, vhdx().l32(2<<20+64<<10+4, 2), inspect.ErrUnsafe},
	{"vhdx without metadata", inspect.VHDX, vhdx().l64(192<<10+32, 0), inspect.ErrMismatch},
	{"vhdx with metadata far away", inspect.VHDX, vhdx().l64(192<<10+32, 1<<40), inspect.ErrMismatch},
	{"vhdx with a huge table", inspect.VHDX, vhdx().l32(192<<10+8, 1<<31), inspect.ErrMismatch},
	{"vhdx cut before its metadata", inspect.VHDX, vhdx()[:1<<20], inspect.ErrMismatch},
	{"raw that is qcow2", inspect.Raw, qcow2(3), inspect.ErrMismatch},
	{"raw that is a descriptor", inspect.Raw, blank(4096).put(0, sparse), inspect.ErrMismatch},
	{"raw that is an iso", inspect.Raw, iso(), inspect.ErrMismatch},
	{"a kernel that is qcow2", inspect.AKI, qcow2(3), inspect.ErrMismatch},
	{"raw that is qed", inspect.Raw, blank(4096).put(0, "QED\x00"), inspect.ErrMismatch},
	{"raw that is encrypted", inspect.Raw, blank(4096).put(0, "LUKS\xba\xbe"), inspect.ErrEncrypted},
	{"qcow2 that is raw", inspect.QCOW2, blank(100 << 10), inspect.ErrMismatch},
	{"qcow2 that is empty", inspect.QCOW2, nil, inspect.ErrMismatch},
	{"qcow2 that is vmdk", inspect.QCOW2, vmdk(sparse), inspect.ErrMismatch},
	{"iso that is also qcow2", inspect.ISO, iso().put(0, string(qcow2(3)[:112])), inspect.ErrUnsafe},
	{"vdi that is also vmdk", inspect.VDI, vdi().put(0, "KDMV"), inspect.ErrUnsafe},
}

func TestBadImagesAreRefused(t *testing.T) {
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			_, err := whole(tt.content, tt.format, inspect.Policy{})
			if !errors.Is(err, tt.why) || !errors.Is(err, fault.Invalid) {
				t.Errorf("inspected: %v, want %v", err, tt.why)
			}
			if _, err := inspect.Read(bytes.NewReader(tt.content), tt.format, inspect.Policy{}); !errors.Is(err, tt.why) {
				t.Errorf("read: %v, want %v", err, tt.why)
			}
		})
	}
}

func TestPolicyMayAllowEncryption(t *testing.T) {
	for _, tt := range refused {
		if errors.Is(tt.why, inspect.ErrEncrypted) {
			if _, err := whole(tt.content, tt.format, inspect.Policy{Encrypted: true}); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
	}
}

func TestVerdictFallsEarly(t *testing.T) {
	for _, tt := range accepted {
		r := &counter{r: io.MultiReader(bytes.NewReader(tt.content), zeros{})}
		if tt.name == "fixed vhd" {
			r.r = bytes.NewReader(tt.content)
		}
		info, err := inspect.Read(r, tt.format, inspect.Policy{})
		if err != nil || info.Format != tt.format {
			t.Errorf("%s: %+v, %v", tt.name, info, err)
		}
		if limit := map[bool]int{true: 96 << 10, false: 3 << 20}[tt.format != inspect.VHDX]; r.n > limit && tt.name != "fixed vhd" {
			t.Errorf("%s: read %d bytes for the verdict", tt.name, r.n)
		}
	}
}

func TestBadImagesAreStoppedOnTheirWay(t *testing.T) {
	i, err := inspect.New(inspect.QCOW2, inspect.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	bad := io.MultiReader(bytes.NewReader(qcow2(3).b64(8, 512).b32(16, 11)), zeros{})
	n, err := io.Copy(io.Discard, io.TeeReader(bad, i))
	if !errors.Is(err, inspect.ErrUnsafe) || n > 64<<10 {
		t.Errorf("%d bytes went through, %v, want at most 64 KiB", n, err)
	}
	if _, err := i.Write([]byte("more")); !errors.Is(err, inspect.ErrUnsafe) {
		t.Errorf("write after the verdict: %v", err)
	}
}

func TestUnknownFormatIsInvalid(t *testing.T) {
	if _, err := inspect.New("ploop", inspect.Policy{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("new: %v, want invalid", err)
	}
}

func TestImagesOfQEMU(t *testing.T) {
	tool := machinetest.Program(t, "qemu-img", "qemu-utils")
	dir := t.TempDir()
	base := filepath.Join(dir, "base")
	tests := []struct {
		name   string
		format inspect.Format
		args   []string
		why    error
	}{
		{"base", inspect.QCOW2, []string{"-f", "qcow2"}, nil},
		{"v2", inspect.QCOW2, []string{"-f", "qcow2", "-o", "compat=0.10"}, nil},
		{"small clusters", inspect.QCOW2, []string{"-f", "qcow2", "-o", "cluster_size=512"}, nil},
		{"zstd", inspect.QCOW2, []string{"-f", "qcow2", "-o", "compression_type=zstd,extended_l2=on,cluster_size=128k"}, nil},
		{"backed", inspect.QCOW2, []string{"-f", "qcow2", "-b", base, "-F", "qcow2"}, inspect.ErrUnsafe},
		{"data file", inspect.QCOW2, []string{"-f", "qcow2", "-o", "data_file=" + filepath.Join(dir, "data")}, inspect.ErrUnsafe},
		{"sparse vmdk", inspect.VMDK, []string{"-f", "vmdk"}, nil},
		{"stream vmdk", inspect.VMDK, []string{"-f", "vmdk", "-o", "subformat=streamOptimized"}, nil},
		{"flat vmdk", inspect.VMDK, []string{"-f", "vmdk", "-o", "subformat=monolithicFlat"}, inspect.ErrUnsafe},
		{"backed vmdk", inspect.VMDK, []string{"-f", "vmdk", "-b", filepath.Join(dir, "sparse vmdk"), "-F", "vmdk"}, inspect.ErrUnsafe},
		{"vdi", inspect.VDI, []string{"-f", "vdi"}, nil},
		{"dynamic vhd", inspect.VHD, []string{"-f", "vpc", "-o", "force_size=on"}, nil},
		{"fixed vhd", inspect.VHD, []string{"-f", "vpc", "-o", "subformat=fixed,force_size=on"}, nil},
		{"vhdx", inspect.VHDX, []string{"-f", "vhdx"}, nil},
		{"fixed vhdx", inspect.VHDX, []string{"-f", "vhdx", "-o", "subformat=fixed"}, nil},
		{"raw", inspect.Raw, []string{"-f", "raw"}, nil},
		{"qed", inspect.Raw, []string{"-f", "qed"}, inspect.ErrMismatch},
	}
	for _, tt := range tests {
		path := filepath.Join(dir, tt.name)
		out, err := exec.CommandContext(t.Context(), tool, append(append([]string{"create"}, tt.args...), path, "10M")...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", tt.name, err, out)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := whole(content, tt.format, inspect.Policy{})
		if !errors.Is(err, tt.why) || err == nil && info.VirtualSize != disk {
			t.Errorf("%s: %+v, %v, want a disk of 10 MiB or %v", tt.name, info, err, tt.why)
		}
	}
}

func FuzzInspector(f *testing.F) {
	for _, tt := range accepted {
		f.Add(string(tt.format), []byte(tt.content[:min(len(tt.content), 36<<10)]), 1000)
	}
	for _, tt := range refused {
		f.Add(string(tt.format), []byte(tt.content[:min(len(tt.content), 12<<10)]), 7)
	}
	f.Fuzz(func(t *testing.T, format string, content []byte, cut int) {
		once, err := whole(content, inspect.Format(format), inspect.Policy{})
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Fatalf("%v is not invalid", err)
		}
		if err == nil && (once.VirtualSize < 0 || once.VirtualSize > inspect.MaxVirtualSize) {
			t.Fatalf("a disk of %d bytes", once.VirtualSize)
		}
		i, newErr := inspect.New(inspect.Format(format), inspect.Policy{})
		if newErr != nil {
			return
		}
		cut = min(max(cut, 0), len(content))
		_, _ = i.Write(content[:cut])
		_, _ = i.Write(content[cut:])
		if again, err2 := i.Finish(); again != once || (err == nil) != (err2 == nil) {
			t.Fatalf("in two pieces: %+v, %v; in one: %+v, %v", again, err2, once, err)
		}
	})
}

func FuzzVHDX(f *testing.F) {
	good := vhdx()
	f.Add([]byte(good[192<<10:192<<10+128]), []byte(good[2<<20:2<<20+128]))
	f.Fuzz(func(t *testing.T, regions, metadata []byte) {
		i := vhdx()
		copy(i[192<<10:], regions)
		copy(i[2<<20:], metadata)
		info, err := inspect.Read(bytes.NewReader(i), inspect.VHDX, inspect.Policy{})
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Fatalf("%v is not invalid", err)
		}
		if info.VirtualSize < 0 || info.VirtualSize > inspect.MaxVirtualSize {
			t.Fatalf("a disk of %d bytes", info.VirtualSize)
		}
	})
}

func BenchmarkInspector(b *testing.B) {
	chunk := make([]byte, 32<<10)
	i, err := inspect.New(inspect.Raw, inspect.Policy{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		if _, err := i.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
}

// whole inspects content as an upload would, in uneven pieces.
func whole(content []byte, format inspect.Format, p inspect.Policy) (inspect.Info, error) {
	i, err := inspect.New(format, p)
	if err != nil {
		return inspect.Info{}, err
	}
	pieces := uneven{iotest.DataErrReader(bytes.NewReader(content))}
	if _, err := io.Copy(i, pieces); err != nil {
		if _, again := i.Finish(); again == nil {
			return inspect.Info{}, errors.New("an image that was refused is accepted at its end")
		}
		return inspect.Info{}, err
	}
	return i.Finish()
}

type uneven struct{ r io.Reader }

func (u uneven) Read(p []byte) (int, error) { return u.r.Read(p[:min(len(p), 1+rand.IntN(9000))]) }

type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
