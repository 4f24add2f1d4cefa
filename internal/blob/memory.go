package blob

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Memory keeps blobs in RAM; they are gone with the process.
type Memory struct {
	what     string
	capacity int64
	mu       sync.Mutex
	blobs    map[string]kept
	used     int64 // also counts what is being put
}

type kept struct {
	data   []byte // never changed once it is here
	stored time.Time
}

// NewMemory returns an empty Memory, which holds capacity bytes in all, or without
// a limit when that is 0. what is a blob in messages, such as "image".
func NewMemory(what string, capacity int64) *Memory {
	return &Memory{what: what, capacity: capacity, blobs: map[string]kept{}}
}

// Put stores what r gives as Files.Put does. A Memory that is full is fault.Exhausted.
func (m *Memory) Put(ctx context.Context, name string, r io.Reader, size int64) (int64, error) {
	if name == "" {
		return 0, fault.Invalid.Errorf("the %s has no name", m.what)
	}
	w := &buffer{memory: m}
	if size > 0 && size < 1<<20 {
		w.data = make([]byte, 0, size)
	}
	n, err := fill(ctx, w, r, size)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.used -= int64(len(w.data))
		return 0, Fault(err, "store %s %s", m.what, name)
	}
	m.used -= int64(len(m.blobs[name].data))
	m.blobs[name] = kept{w.data, time.Now().UTC()}
	return n, nil
}

// buffer grows within the capacity.
type buffer struct {
	memory *Memory
	data   []byte
}

func (b *buffer) Write(p []byte) (int, error) {
	if err := b.memory.reserve(int64(len(p))); err != nil {
		return 0, err
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

func (m *Memory) reserve(n int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.capacity > 0 && m.used+n > m.capacity {
		return fault.Exhausted.Errorf("the %s store in memory is full: %d of %d bytes used", m.what, m.used, m.capacity)
	}
	m.used += n
	return nil
}

// Open reads a part of a blob, from offset on.
func (m *Memory) Open(name string, offset int64, clip Clip) (io.ReadCloser, error) {
	k, err := m.find(name)
	if err != nil {
		return nil, err
	}
	n, ok := clip(int64(len(k.data)))
	if !ok {
		return nil, outside(m.what, name, offset, int64(len(k.data)))
	}
	return io.NopCloser(bytes.NewReader(k.data[offset : offset+n])), nil
}

// Stat describes a blob.
func (m *Memory) Stat(name string) (Info, error) {
	k, err := m.find(name)
	return Info{name, int64(len(k.data)), k.stored}, err
}

func (m *Memory) find(name string) (kept, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.blobs[name]
	if !ok {
		return kept{}, fault.NotFound.Errorf("there is no %s %s", m.what, name)
	}
	return k, nil
}

// Delete removes a blob.
func (m *Memory) Delete(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used -= int64(len(m.blobs[name].data))
	delete(m.blobs, name)
}

// Walk calls each for every blob, in no order, and ends with its error.
func (m *Memory) Walk(ctx context.Context, each func(Info) error) error {
	m.mu.Lock()
	all := make([]Info, 0, len(m.blobs))
	for name, k := range m.blobs {
		all = append(all, Info{name, int64(len(k.data)), k.stored})
	}
	m.mu.Unlock()
	for _, i := range all {
		if err := ctx.Err(); err != nil {
			return Fault(err, "walk the %s store in memory", m.what)
		}
		if err := each(i); err != nil {
			return err
		}
	}
	return nil
}
