package inspect

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// The descriptor is read where every reader looks for it, whatever the header
// says, and as far as the longest reader reads.
const (
	vmdkSector         = 512
	vmdkDescriptor     = 1 * vmdkSector
	vmdkDescriptorSize = 20 * vmdkSector
)

func parseVMDK(head []byte, _ Policy) (int64, error) {
	f := field{b: head, order: binary.LittleEndian}
	version, capacity, at := f.u32(4), f.u64(12), f.u64(28)
	if err := f.err(); err != nil {
		return 0, err
	}
	switch {
	case version < 1 || version > 3:
		return 0, ErrMismatch.Errorf("the VMDK image has version %d; 1 to 3 are known", version)
	case capacity == 0:
		return 0, ErrUnsafe.Errorf("the VMDK image has no disk of its own, only a descriptor of other files")
	case at != vmdkDescriptor/vmdkSector:
		return 0, ErrUnsafe.Errorf("the VMDK image has its descriptor at sector %d instead of 1", at)
	case len(head) < vmdkDescriptor+vmdkDescriptorSize:
		return 0, moreError(vmdkDescriptor + vmdkDescriptorSize)
	}
	if err := checkDescriptor(head[vmdkDescriptor : vmdkDescriptor+vmdkDescriptorSize]); err != nil {
		return 0, err
	}
	return bytesOf(capacity, vmdkSector), nil
}

// refuseDescriptor refuses a descriptor that stands alone: its disk is elsewhere.
func refuseDescriptor([]byte, Policy) (int64, error) {
	return 0, ErrUnsafe.Errorf("the VMDK image is a descriptor of other files; convert it to monolithicSparse or streamOptimized")
}

// checkDescriptor accepts one sparse extent in the file itself, and no parent.
func checkDescriptor(b []byte) error {
	kind, extents := "", 0
	text, _, _ := bytes.Cut(b, []byte{0})
	for line := range strings.Lines(strings.ToLower(string(text))) {
		line = strings.TrimSpace(line)
		key, value, _ := strings.Cut(line, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch key = strings.TrimSpace(key); {
		case line == "" || line[0] == '#':
		case key == "createtype":
			kind = value
		case key == "parentcid" && value != "ffffffff":
			return ErrUnsafe.Errorf("the VMDK image is a difference to another image; flatten it")
		case strings.HasPrefix(key, "rw ") || strings.HasPrefix(key, "rdonly ") || strings.HasPrefix(key, "noaccess "):
			words := strings.Fields(line)
			if extents++; len(words) < 3 || words[2] != "sparse" || extents > 1 {
				return ErrUnsafe.Errorf("the VMDK image has an extent outside itself")
			}
		}
	}
	switch {
	case bytes.Contains(bytes.ToLower(b), []byte("parentfilenamehint")):
		return ErrUnsafe.Errorf("the VMDK image names a parent")
	case kind != "monolithicsparse" && kind != "streamoptimized":
		return ErrUnsafe.Errorf("the VMDK image is of type %.40q; monolithicSparse and streamOptimized are accepted", kind)
	case extents != 1:
		return ErrUnsafe.Errorf("the VMDK image has %d extents instead of 1", extents)
	}
	return nil
}
