package inspect

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// A signature recognises one kind of content by bytes at a place.
type signature struct {
	name      string // a Format, or the name of what is never accepted
	at        int
	magic     []byte
	encrypted bool
	// parse returns the size of the disk, or a moreError when head is too short.
	// Nil for what is only recognised to be refused.
	parse func(head []byte, p Policy) (int64, error)
}

// moreError asks for a head of so many bytes.
type moreError int64

func (m moreError) Error() string { return fmt.Sprintf("header of %d bytes", int64(m)) }

var known = []signature{
	{name: "qcow2", magic: []byte("QFI\xfb"), parse: parseQCOW2},
	{name: "vmdk", magic: []byte("KDMV"), parse: parseVMDK},
	{name: "vmdk", magic: []byte("# Disk DescriptorFile"), parse: refuseDescriptor},
	{name: "vmdk of a hypervisor's own file system", magic: []byte("COWD")},
	{name: "vdi", at: 0x40, magic: []byte{0x7f, 0x10, 0xda, 0xbe}, parse: parseVDI},
	{name: "vhd", magic: []byte("conectix"), parse: parseVHD},
	{name: "vhdx", magic: []byte("vhdxfile"), parse: parseVHDX},
	{name: "iso", at: 0x8001, magic: []byte("CD001"), parse: parseISO},
	{name: "luks", magic: []byte("LUKS\xba\xbe"), encrypted: true},
	{name: "qed", magic: []byte("QED\x00")},
	{name: "parallels", magic: []byte("WithoutFreeSpace")},
	{name: "parallels", magic: []byte("WithouFreSpacExt")},
	{name: "bochs", magic: []byte("Bochs Virtual HD Image")},
	{name: "cloop", magic: []byte("#!/bin/sh\n#V2.0 Format\n")},
}

// signatures returns what head is; nothing means raw.
func signatures(head []byte) []signature {
	var found []signature
	for _, s := range known {
		if len(head) >= s.at && bytes.HasPrefix(head[s.at:], s.magic) {
			found = append(found, s)
		}
	}
	return found
}

// field reads integers of a header by offset. Reading past the end gives zero
// and is remembered, so that a parser checks once, at its end or before a loop.
type field struct {
	b     []byte
	order binary.ByteOrder
	short int64 // the length that would have been enough
}

func (f *field) bytes(at, n int64) []byte {
	if at < 0 || n < 0 || at > maxHead || n > maxHead || at+n > int64(len(f.b)) {
		f.short = max(f.short, satAdd(at, n))
		return make([]byte, min(max(n, 0), 64))
	}
	return f.b[at : at+n]
}

func (f *field) u16(at int64) uint16 { return f.order.Uint16(f.bytes(at, 2)) }
func (f *field) u32(at int64) uint32 { return f.order.Uint32(f.bytes(at, 4)) }
func (f *field) u64(at int64) uint64 { return f.order.Uint64(f.bytes(at, 8)) }

func (f *field) err() error {
	if f.short > 0 {
		return moreError(f.short)
	}
	return nil
}

// satAdd adds without wrapping round; a header chose both numbers.
func satAdd(a, b int64) int64 {
	if a < 0 || b < 0 || a > maxHead || b > maxHead {
		return maxHead + 1
	}
	return a + b
}

// bytesOf returns n units as bytes, or -1 when that is more than a disk may have.
func bytesOf(n uint64, unit uint64) int64 {
	if n > MaxVirtualSize/unit {
		return -1
	}
	return int64(n * unit)
}

func parseISO(head []byte, _ Policy) (int64, error) {
	f := field{b: head, order: binary.LittleEndian}
	blocks, size := f.u32(0x8000+80), f.u16(0x8000+128)
	if err := f.err(); err != nil {
		return 0, err
	}
	if head[0x8000] != 1 {
		return 0, nil // not the primary descriptor: an ISO all the same, of unknown size
	}
	return bytesOf(uint64(blocks), max(uint64(size), 1)), nil
}

func parseVDI(head []byte, _ Policy) (int64, error) {
	f := field{b: head, order: binary.LittleEndian}
	version, kind, size := f.u32(0x44), f.u32(0x4c), f.u64(0x170)
	link, parent := f.bytes(0x1a8, 16), f.bytes(0x1b8, 16)
	if err := f.err(); err != nil {
		return 0, err
	}
	if version != 0x00010001 {
		return 0, ErrMismatch.Errorf("the VDI image has version %#x; 1.1 is known", version)
	}
	if kind != 1 && kind != 2 || !zero(link) || !zero(parent) {
		return 0, ErrUnsafe.Errorf("the VDI image is a difference to another image; flatten it")
	}
	return bytesOf(size, 1), nil
}

func zero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// guid returns the identifier that is stored as the given hexadecimal digits.
func guid(digits string) [16]byte {
	b, err := hex.DecodeString(digits)
	if err != nil {
		panic("inspect: " + digits)
	}
	return [16]byte(b)
}
