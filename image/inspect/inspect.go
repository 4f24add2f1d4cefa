// Package inspect looks at the first bytes of a disk image and says what it is,
// before anything that acts on its content may touch it.
//
// An image is a program for the code that opens it: a qcow2 header may name any
// file of the host as its backing file, a VMDK descriptor any file as its
// extent, and whoever opens such an image hands that file to the guest. So
// whoever takes bytes from a user streams them through an Inspector, which
// refuses content that reaches outside itself, content that is not of the
// declared format, and content that is of two formats at once. Only headers are
// parsed, in constant memory, and the verdict falls as early as the format
// allows: for most within the first 64 KiB.
//
// The image Manager calls it on upload; hosts and volume backends call it again
// on what they are about to convert, since a store may be written by others.
package inspect

import (
	"errors"
	"io"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// A Format is how an image's bytes hold a disk, in the words of the image API.
type Format string

// The formats an image may be declared to have.
const (
	Raw   Format = "raw"
	QCOW2 Format = "qcow2"
	VMDK  Format = "vmdk"
	VDI   Format = "vdi"
	VHD   Format = "vhd"
	VHDX  Format = "vhdx"
	ISO   Format = "iso"
	AMI   Format = "ami" // a raw partition
	AKI   Format = "aki" // a kernel
	ARI   Format = "ari" // a RAM disk
)

// Formats lists every format that can be declared.
var Formats = []Format{Raw, QCOW2, VMDK, VDI, VHD, VHDX, ISO, AMI, AKI, ARI}

var (
	// ErrMismatch: the bytes are not of the declared format, or not whole.
	ErrMismatch = fault.Invalid.Reason("image.format-mismatch")
	// ErrUnsafe: the image reaches outside itself, or is more than one thing.
	ErrUnsafe = fault.Invalid.Reason("image.unsafe")
	// ErrEncrypted: the image is encrypted, and the policy does not allow that.
	ErrEncrypted = fault.Invalid.Reason("image.encrypted")
)

// MaxVirtualSize is the largest disk an image may claim to hold, in bytes.
const MaxVirtualSize = 1 << 50

const (
	window  = 64 << 10 // every signature lies in it
	maxHead = 8 << 20  // the most a header may ask for
	tail    = 512      // a fixed VHD is known by its last sector
)

// A Policy says what is accepted beyond what is always safe.
type Policy struct {
	Encrypted bool // accept encrypted images, whose key the guest or volume has
}

// Info is what the header says.
type Info struct {
	Format      Format // the declared one, which the content was found to be
	VirtualSize int64  // bytes of the disk a guest would see
}

// An Inspector judges one stream. Write the image to it from the first byte, as
// with io.TeeReader; the first Write that shows the image must be refused fails,
// and so do all after it. It is not for use by two goroutines.
type Inspector struct {
	declared Format
	policy   Policy

	head []byte // nil once decided
	need int    // bytes of head the next verdict needs
	last []byte // the last bytes of the stream, where the format has a footer
	size int64  // bytes seen

	info    Info
	decided bool
	err     error
}

// New returns an Inspector for content declared to be of a format. An unknown
// format is fault.Invalid.
func New(declared Format, p Policy) (*Inspector, error) {
	for _, f := range Formats {
		if f == declared {
			return &Inspector{declared: declared, policy: p, need: window}, nil
		}
	}
	return nil, fault.Invalid.Errorf("unknown disk format %q: known are %v", declared, Formats)
}

// Write judges the next bytes of the image. Its error is an ErrMismatch,
// ErrUnsafe or ErrEncrypted, and final.
func (i *Inspector) Write(p []byte) (int, error) {
	if i.err != nil {
		return 0, i.err
	}
	i.size += int64(len(p))
	i.keepLast(p)
	for rest := p; !i.decided && i.err == nil; {
		n := min(i.need-len(i.head), len(rest))
		i.head, rest = append(i.head, rest[:n]...), rest[n:]
		if len(i.head) < i.need {
			break
		}
		i.judge(false)
	}
	if i.err != nil {
		return 0, i.err
	}
	return len(p), nil
}

// Decided reports whether the verdict has fallen: what follows cannot change it.
func (i *Inspector) Decided() bool {
	footer := i.declared == VHD && i.info.VirtualSize == 0
	return i.err != nil || i.decided && !footer
}

// Finish says that the stream has ended and returns what it held, or why it is
// refused.
func (i *Inspector) Finish() (Info, error) {
	info, err := i.verdict()
	if err == nil && passThrough[i.declared] {
		info.VirtualSize = i.size
	}
	return info, err
}

func (i *Inspector) verdict() (Info, error) {
	if !i.decided && i.err == nil {
		i.judge(true)
	}
	if i.err == nil && i.declared == VHD {
		return i.finishVHD()
	}
	return i.info, i.err
}

// Read judges what r gives, reading no more than the verdict needs. The
// VirtualSize of what has no header, such as raw, is 0: it is the stream's size.
func Read(r io.Reader, declared Format, p Policy) (Info, error) {
	i, err := New(declared, p)
	if err != nil {
		return Info{}, err
	}
	buf := make([]byte, 32<<10)
	for !i.Decided() {
		n, err := r.Read(buf)
		if _, refused := i.Write(buf[:n]); refused != nil {
			return Info{}, refused
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Info{}, fault.Unavailable.Wrap(err, "read the image's header")
		}
	}
	return i.verdict()
}

// passThrough are the formats whose content has no header to read.
var passThrough = map[Format]bool{Raw: true, AMI: true, AKI: true, ARI: true}

// judge looks at the head, which ends where the image does when whole is set.
func (i *Inspector) judge(whole bool) {
	found := signatures(i.head)
	switch {
	case len(found) > 1:
		i.refuse(ErrUnsafe.Errorf("the image is both %s and %s", found[0].name, found[1].name))
	case len(found) == 0 && passThrough[i.declared]:
		i.accept(Info{Format: i.declared})
	case len(found) == 0 && i.declared == VHD:
		i.accept(Info{Format: VHD}) // a fixed one: its footer will tell
	case len(found) == 0:
		i.refuse(ErrMismatch.Errorf("the image is declared %s but its content is not", i.declared))
	case found[0].encrypted && passThrough[i.declared]:
		if !i.policy.Encrypted {
			i.refuse(ErrEncrypted.Errorf("the image is encrypted with %s", found[0].name))
			return
		}
		i.accept(Info{Format: i.declared})
	case found[0].name != string(i.declared):
		i.refuse(ErrMismatch.Errorf("the image is declared %s but its content is %s", i.declared, found[0].name))
	default:
		i.parse(found[0], whole)
	}
}

func (i *Inspector) parse(s signature, whole bool) {
	size, err := s.parse(i.head, i.policy)
	var more moreError
	if errors.As(err, &more) {
		switch {
		case whole:
			i.refuse(ErrMismatch.Errorf("the %s image ends within its header", s.name))
		case int64(more) > maxHead:
			i.refuse(ErrMismatch.Errorf("the %s image has its header %d bytes from the start", s.name, int64(more)))
		default:
			i.need = max(int(more), len(i.head)+1)
		}
		return
	}
	if err != nil {
		i.refuse(err)
		return
	}
	if size < 0 || size > MaxVirtualSize {
		i.refuse(ErrMismatch.Errorf("the %s image claims a disk of %d bytes; the most is %d", s.name, uint64(size), int64(MaxVirtualSize)))
		return
	}
	i.accept(Info{Format: i.declared, VirtualSize: size})
}

func (i *Inspector) accept(info Info) { i.info, i.decided, i.head = info, true, nil }

func (i *Inspector) refuse(err error) { i.err, i.head = err, nil }

// keepLast remembers the end of the stream for the format that has a footer.
func (i *Inspector) keepLast(p []byte) {
	if i.declared != VHD {
		return
	}
	if len(p) >= tail {
		i.last = append(i.last[:0], p[len(p)-tail:]...)
		return
	}
	i.last = append(i.last, p...)
	i.last = i.last[max(0, len(i.last)-tail):]
}

var _ io.Writer = (*Inspector)(nil)
