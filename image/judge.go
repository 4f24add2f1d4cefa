package image

import (
	"errors"
	"io"

	"github.com/nacre-cloud/nacre/image/inspect"
)

// A judge looks at bytes as they stream past, and refuses them by an error.
type judge interface {
	io.Writer
	Finish() (inspect.Info, error)
}

// judge returns what judges the bytes of i. What is packed cannot be judged by
// its beginning; nobody opens it as a disk either.
func (m *Manager) judge(i Image) (judge, error) {
	format := inspect.Format(i.DiskFormat)
	switch i.ContainerFormat {
	case "ova", "docker", "compressed":
		format = inspect.Raw
	}
	declared, err := inspect.New(format, m.config.Policy)
	if err != nil || !m.config.AcceptUnknown {
		return declared, err
	}
	raw, err := inspect.New(inspect.Raw, m.config.Policy)
	return lenient{declared, raw}, err
}

// lenient also accepts, whatever was declared, what could be raw bytes.
type lenient struct{ declared, raw *inspect.Inspector }

func (l lenient) Write(p []byte) (int, error) {
	n, err := l.declared.Write(p)
	_, rawErr := l.raw.Write(p)
	if err != nil && l.pardons(err, rawErr) {
		return len(p), nil
	}
	return n, err
}

func (l lenient) Finish() (inspect.Info, error) {
	info, err := l.declared.Finish()
	raw, rawErr := l.raw.Finish()
	if err != nil && l.pardons(err, rawErr) {
		return raw, nil
	}
	return info, err
}

func (lenient) pardons(err, rawErr error) bool {
	return errors.Is(err, inspect.ErrMismatch) && rawErr == nil
}

var (
	_ judge = (*inspect.Inspector)(nil)
	_ judge = lenient{}
)
