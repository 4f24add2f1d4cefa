package inspect

import (
	"bytes"
	"encoding/binary"
)

const (
	vhdFixed   = 2
	vhdDynamic = 3
)

// parseVHD reads the copy of the footer that a dynamic disk begins with.
func parseVHD(head []byte, _ Policy) (int64, error) {
	f := field{b: head, order: binary.BigEndian}
	size, kind, dynamic := f.u64(48), f.u32(60), f.bytes(512, 8)
	if err := f.err(); err != nil {
		return 0, err
	}
	if kind != vhdDynamic {
		return 0, ErrUnsafe.Errorf("the VHD image is of type %d; fixed and dynamic disks are accepted, differences are not", kind)
	}
	if string(dynamic) != "cxsparse" {
		return 0, ErrMismatch.Errorf("the VHD image has no dynamic disk header")
	}
	return bytesOf(size, 1), nil
}

// finishVHD reads the footer of a disk that did not begin with one.
func (i *Inspector) finishVHD() (Info, error) {
	if i.info.VirtualSize > 0 {
		return i.info, nil
	}
	if !bytes.HasPrefix(i.last, []byte("conectix")) || len(i.last) < tail {
		return Info{}, ErrMismatch.Errorf("the image is declared vhd but has no footer")
	}
	f := field{b: i.last, order: binary.BigEndian}
	size, kind := bytesOf(f.u64(48), 1), f.u32(60)
	if kind != vhdFixed || size < 0 || size > i.size-tail {
		return Info{}, ErrMismatch.Errorf("the VHD image has a wrong footer")
	}
	return Info{Format: VHD, VirtualSize: size}, nil
}

// What a VHDX says lies in tables: a region table, then a metadata table.
const (
	vhdxRegions    = 192 << 10
	vhdxMaxEntries = 64
	vhdxUnit       = 1 << 20 // regions begin at a multiple of it
)

var (
	vhdxMetadata   = guid("06a27c8b90479a4bb8fe575f050f886e")
	vhdxParameters = guid("3767a1ca36fa434db3b633f0aa44e76b")
	vhdxDiskSize   = guid("2442a52f1bcd7648b2115dbed83bf4b8")
	vhdxParent     = guid("2d5fd3a80bb34d45abf7d3d84834ab0c")
)

func parseVHDX(head []byte, _ Policy) (int64, error) {
	f := field{b: head, order: binary.LittleEndian}
	metadata, err := vhdxTable(&f, vhdxRegions, "regi", vhdxRegion)
	if err != nil {
		return 0, err
	}
	base, ok := metadata[vhdxMetadata]
	if !ok || base < vhdxUnit || base%vhdxUnit != 0 {
		return 0, ErrMismatch.Errorf("the VHDX image has no metadata")
	}
	items, err := vhdxTable(&f, base, "metadata", vhdxItem)
	if err != nil {
		return 0, err
	}
	size, sized := items[vhdxDiskSize]
	parameters, described := items[vhdxParameters]
	if !sized || !described {
		return 0, ErrMismatch.Errorf("the VHDX image does not say how large it is")
	}
	n, flags := f.u64(satAdd(base, size)), f.u32(satAdd(base, parameters)+4)
	if err := f.err(); err != nil {
		return 0, err
	}
	if _, parent := items[vhdxParent]; parent || flags&2 != 0 {
		return 0, ErrUnsafe.Errorf("the VHDX image is a difference to another image; flatten it")
	}
	return bytesOf(n, 1), nil
}

// A vhdxLayout says where a table has the count and the offset of its entries.
type vhdxLayout struct {
	count  func(f *field, at int64) int64
	header int64
	offset func(f *field, entry int64) int64
}

var (
	vhdxRegion = vhdxLayout{
		count:  func(f *field, at int64) int64 { return int64(f.u32(at + 8)) },
		header: 16,
		offset: func(f *field, entry int64) int64 { return bytesOf(f.u64(entry+16), 1) },
	}
	vhdxItem = vhdxLayout{
		count:  func(f *field, at int64) int64 { return int64(f.u16(at + 10)) },
		header: 32,
		offset: func(f *field, entry int64) int64 { return int64(f.u32(entry + 16)) },
	}
)

// vhdxTable returns the offset of each entry by its GUID.
func vhdxTable(f *field, at int64, magic string, l vhdxLayout) (map[[16]byte]int64, error) {
	name, n := f.bytes(at, int64(len(magic))), l.count(f, at)
	if err := f.err(); err != nil {
		return nil, err
	}
	if string(name) != magic || n > vhdxMaxEntries {
		return nil, ErrMismatch.Errorf("the VHDX image has a bad table %q of %d entries", magic, n)
	}
	entries := make(map[[16]byte]int64, n)
	for e := at + l.header; n > 0; n, e = n-1, e+32 {
		id := [16]byte(f.bytes(e, 16))
		if _, twice := entries[id]; twice && f.short == 0 {
			return nil, ErrMismatch.Errorf("the VHDX image has an entry twice in its table %q", magic)
		}
		entries[id] = l.offset(f, e)
	}
	return entries, f.err()
}
