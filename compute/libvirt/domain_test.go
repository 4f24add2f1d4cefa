package libvirt

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

func TestAVolumeThatIsNotThereYetIsUnavailable(t *testing.T) {
	there := filepath.Join(t.TempDir(), "volume")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		path string
		want error
	}{
		"there":       {there, nil},
		"not mounted": {filepath.Join(t.TempDir(), "mount", "volume"), fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			g := compute.Guest{ID: "0199aaaa-0000-7000-8000-000000000001", Image: "i", ConfigDrive: map[string][]byte{}, Disks: []compute.Disk{
				{ID: "0199bbbb", Device: "vdb", Source: compute.Source{Kind: compute.SourceFile, Path: tt.path, Format: "raw"}},
			}}
			x, err := domain(g, "/nowhere", TCG)
			if err != nil {
				t.Fatal(err)
			}
			err = reachVolumes(x)
			if !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), "volume 0199bbbb") {
				t.Errorf("error is %v, want: %v", err, tt.want)
			}
		})
	}
}

func TestDomainDescribesTheGuest(t *testing.T) {
	g := compute.Guest{
		ID: "0199aaaa-0000-7000-8000-000000000001", Name: "a & b\n<c>", VCPUs: 2, MemoryMiB: 512, Image: "i",
		Disks: []compute.Disk{{
			ID: "0199bbbb-0000-7000-8000-000000000001", Device: "vdb",
			Source: compute.Source{Kind: compute.SourceFile, Path: "/v/1", Format: "raw"},
		}},
		NICs: []compute.NIC{
			{Port: "p1", MAC: "fa:16:3e:00:00:01", Tap: "tap0199cccc-00", MTU: 1450},
			{Port: "p2", MAC: "fa:16:3e:00:00:02", Bridge: "br0"},
		},
		ConfigDrive: map[string][]byte{},
	}
	x, err := domain(g, "/d", TCG)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<domain type="qemu">`, `<title>a &amp; b &lt;c&gt;</title>`, `<vcpu>2</vcpu>`, `<memory unit="MiB">512</memory>`,
		`<entry name="product">OpenStack Nova</entry>`, `<tb-cache unit="MiB">64</tb-cache>`,
		`<source file="/d/root.qcow2">`, `<serial>0199bbbb-0000-7000-8</serial>`,
		`<target dev="tap0199cccc-00" managed="no">`, `<mtu size="1450">`, `<source bridge="br0">`,
		`<source file="/d/config.iso">`, `<listen type="socket">`, `file="/d/console.log" append="on"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %s:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "<boot order="); n != 1 {
		t.Errorf("%d devices to boot from", n)
	}
	if kvm, _ := domain(g, "/d", KVM); kvm.Type != "kvm" || kvm.Features.TCG != nil {
		t.Error("KVM is described as emulation")
	}
}

func TestGuestWithoutImageBootsItsFirstDisk(t *testing.T) {
	g := compute.Guest{Disks: []compute.Disk{{Device: "vda", Source: compute.Source{Kind: compute.SourceFile, Path: "/v/1"}}}}
	x, err := domain(g, "/d", TCG)
	if err != nil {
		t.Fatal(err)
	}
	first := x.Devices.Disks[0]
	if first.Source.File.File != "/v/1" || first.Boot == nil {
		t.Errorf("boots from %+v", first)
	}
}

func TestDiskSize(t *testing.T) {
	header := func(change func([]byte)) []byte {
		h := make([]byte, 512)
		copy(h, "QFI\xfb")
		binary.BigEndian.PutUint32(h[4:], 3)
		binary.BigEndian.PutUint64(h[24:], 5<<30)
		change(h)
		return h
	}
	for name, test := range map[string]struct {
		content []byte
		format  string
		size    int64
		refused bool
	}{
		"a raw image is as large as its file":    {make([]byte, 4096), "raw", 4096, false},
		"a qcow2 says how large it is":           {header(func([]byte) {}), "qcow2", 5 << 30, false},
		"a qcow2 with a backing file is refused": {header(func(h []byte) { h[15] = 1 }), "qcow2", 0, true},
		"a qcow2 with a data file is refused":    {header(func(h []byte) { h[79] = 4 }), "qcow2", 0, true},
		"a raw image called qcow2 is refused":    {make([]byte, 4096), "qcow2", 0, true},
		"a short file called qcow2 is refused":   {[]byte("QFI\xfb"), "qcow2", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "image")
			if err := os.WriteFile(path, test.content, 0o600); err != nil {
				t.Fatal(err)
			}
			size, err := diskSize(path, test.format)
			if size != test.size || errors.Is(err, fault.Invalid) != test.refused {
				t.Errorf("%d, %v", size, err)
			}
		})
	}
}
