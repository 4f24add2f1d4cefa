package inspect

import "encoding/binary"

// What a qcow2 header can say, as far as it decides anything here.
const (
	qcow2Corrupt      = 1 << 1
	qcow2DataFile     = 1 << 2
	qcow2Understood   = 1<<5 - 1 // dirty, corrupt, data file, compression type, extended L2
	qcow2V2Header     = 72
	qcow2V3Header     = 104
	qcow2MaxHeader    = 4096
	qcow2ExtEnd       = 0
	qcow2ExtDataFile  = 0x44415441
	qcow2ExtEncrypted = 0x0537be77
)

func parseQCOW2(head []byte, p Policy) (int64, error) {
	f := field{b: head, order: binary.BigEndian}
	version := f.u32(4)
	backing, backingSize := f.u64(8), f.u32(16)
	clusterBits, size, crypt := f.u32(20), f.u64(24), f.u32(32)
	if err := f.err(); err != nil {
		return 0, err
	}
	switch {
	case version != 2 && version != 3:
		return 0, ErrMismatch.Errorf("the image is qcow version %d; 2 and 3 are accepted", version)
	case backing != 0 || backingSize != 0:
		return 0, ErrUnsafe.Errorf("the qcow2 image has a backing file; flatten it with qemu-img convert")
	case clusterBits < 9 || clusterBits > 21:
		return 0, ErrMismatch.Errorf("the qcow2 image has clusters of 2^%d bytes", clusterBits)
	case crypt > 2:
		return 0, ErrMismatch.Errorf("the qcow2 image has unknown encryption %d", crypt)
	case crypt != 0 && !p.Encrypted:
		return 0, ErrEncrypted.Errorf("the qcow2 image is encrypted")
	}
	length := int64(qcow2V2Header)
	if version == 3 {
		var err error
		if length, err = checkQCOW3(&f); err != nil {
			return 0, err
		}
	}
	if err := checkExtensions(&f, length, int64(1)<<clusterBits, p); err != nil {
		return 0, err
	}
	return bytesOf(size, 1), nil
}

// checkQCOW3 checks what version 3 added and returns the length of the header.
func checkQCOW3(f *field) (int64, error) {
	features, length := f.u64(72), f.u32(100)
	if err := f.err(); err != nil {
		return 0, err
	}
	switch {
	case features&qcow2DataFile != 0:
		return 0, ErrUnsafe.Errorf("the qcow2 image keeps its data in another file")
	case features&^uint64(qcow2Understood) != 0:
		return 0, ErrMismatch.Errorf("the qcow2 image needs unknown features %#x", features)
	case features&qcow2Corrupt != 0:
		return 0, ErrMismatch.Errorf("the qcow2 image is marked as corrupt; repair it with qemu-img check -r")
	case length < qcow2V3Header || length > qcow2MaxHeader || length%8 != 0:
		return 0, ErrMismatch.Errorf("the qcow2 image has a header of %d bytes", length)
	}
	return int64(length), nil
}

// checkExtensions walks the extensions, which fill the rest of the first cluster.
func checkExtensions(f *field, at, cluster int64, p Policy) error {
	for at+8 <= cluster {
		kind, length := f.u32(at), int64(f.u32(at+4))
		if err := f.err(); err != nil {
			return err
		}
		switch kind {
		case qcow2ExtEnd:
			return nil
		case qcow2ExtDataFile:
			return ErrUnsafe.Errorf("the qcow2 image names an external data file")
		case qcow2ExtEncrypted:
			if !p.Encrypted {
				return ErrEncrypted.Errorf("the qcow2 image is encrypted")
			}
		}
		if length > cluster-at-8 {
			return ErrMismatch.Errorf("the qcow2 image has a header extension of %d bytes", length)
		}
		at += 8 + (length+7)/8*8
	}
	return nil
}
