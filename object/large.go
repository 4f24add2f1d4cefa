package object

import (
	"context"
	"crypto/md5" //nolint:gosec // an object's ETag is its MD5 by protocol
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// lookup is how many segments are looked up at once: each name may be a kilobyte.
const lookup = 100

// join fills in what the segments of a static large object are, and refuses
// segments that are not what the caller says.
func (m *Manager) join(ctx context.Context, o *Object) error {
	if len(o.Segments) > MaxSegments {
		return fault.Invalid.Errorf("a large object of %d segments; the most is %d", len(o.Segments), MaxSegments)
	}
	if err := m.mayReadParts(ctx, o.ProjectID, o.Segments, nil); err != nil {
		return err
	}
	parts, err := m.parts(ctx, o.ProjectID, o.Segments)
	if err != nil {
		return err
	}
	for i := range o.Segments {
		s := &o.Segments[i]
		part, ok := parts[ObjectID{o.ProjectID, s.Container, s.Object}]
		switch {
		case !ok || part.Expired(m.now()):
			return fault.Invalid.Errorf("segment %s/%s could not be found", s.Container, s.Object)
		case part.Large():
			return fault.Invalid.Errorf("segment %s/%s is itself a large object", s.Container, s.Object)
		case s.Size >= 0 && s.Size != part.Size:
			return fault.Invalid.Errorf("segment %s/%s has %d bytes, announced were %d", s.Container, s.Object, part.Size, s.Size)
		case part.Size == 0:
			return fault.Invalid.Errorf("segment %s/%s is empty", s.Container, s.Object)
		case s.ETag != "" && strings.Trim(s.ETag, `"`) != part.ETag:
			return fault.Invalid.Errorf("segment %s/%s has the MD5 %s, announced was %.64s", s.Container, s.Object, part.ETag, s.ETag)
		}
		s.Size, s.ETag = part.Size, part.ETag
	}
	o.Size, o.ETag = total(o.Segments)
	row, err := json.Marshal(o.Segments)
	o.Stored = int64(len(row))
	return fault.Internal.Wrap(err, "encode the segments of object %s", o.ID())
}

// parts returns the objects that segments name, as far as they are there.
func (m *Manager) parts(ctx context.Context, project string, segments []Segment) (map[ObjectID]Object, error) {
	names := map[Name][]Name{}
	for _, s := range segments {
		names[s.Container] = append(names[s.Container], s.Object)
	}
	parts := make(map[ObjectID]Object, len(segments))
	for container, in := range names {
		slices.Sort(in)
		for some := range slices.Chunk(slices.Compact(in), lookup) {
			found, err := namedObjects(ctx, m.db.Read(), ContainerID{project, container}, some)
			if err != nil {
				return nil, err
			}
			for _, o := range found {
				parts[o.ID()] = o
			}
		}
	}
	return parts, nil
}

// total returns the size of segments together, and their ETag: the MD5 of theirs.
func total(segments []Segment) (size int64, etag string) {
	sum := md5.New() //nolint:gosec // as above
	for _, s := range segments {
		size += s.Size
		_, _ = io.WriteString(sum, s.ETag)
	}
	return size, hex.EncodeToString(sum.Sum(nil))
}

// largeBytes returns a large object as what its segments are together. What is
// signed for the object is signed for its segments, as far as the key reaches.
func (m *Manager) largeBytes(ctx context.Context, o Object, sig *Signature) (Bytes, error) {
	parts := o.Segments
	if o.Manifest != "" {
		var err error
		if parts, err = m.dynamic(ctx, o, sig); err != nil {
			return Bytes{}, err
		}
	}
	o.Size, o.ETag = total(parts)
	return Bytes{Object: o, Open: func(ctx context.Context, r Range) (io.ReadCloser, error) {
		n, ok := r.Clip(o.Size)
		if !ok {
			return nil, fault.Invalid.Errorf("range from %d of object %s, which has %d bytes", r.Offset, o.ID(), o.Size)
		}
		if o.Manifest == "" {
			if err := m.mayReadParts(ctx, o.ProjectID, parts, sig); err != nil {
				return nil, err
			}
		}
		return &chain{ctx: ctx, manager: m, project: o.ProjectID, parts: parts, skip: r.Offset, left: n}, nil
	}}, nil
}

// mayReadParts returns nil when the caller may read every container that segments
// are in: who made the manifest cannot give away what is in another. One that is
// gone is for the reader of its segments to report.
func (m *Manager) mayReadParts(ctx context.Context, project string, parts []Segment, sig *Signature) error {
	checked := map[Name]bool{}
	for _, s := range parts {
		if checked[s.Container] {
			continue
		}
		checked[s.Container] = true
		err := m.mayReadIn(ctx, ContainerID{project, s.Container}, sig)
		if err := ignoreMissing(err); err != nil {
			return fmt.Errorf("the segments in container %s: %w", s.Container, err)
		}
	}
	return nil
}

// dynamic lists the segments of a dynamic large object: what begins with its
// manifest, in order. The caller must be allowed to read them. More of them than
// MaxDynamic is fault.Conflict.
func (m *Manager) dynamic(ctx context.Context, o Object, sig *Signature) ([]Segment, error) {
	container, prefix, _ := strings.Cut(o.Manifest, "/")
	id := ContainerID{o.ProjectID, Name(container)}
	if err := m.mayReadIn(ctx, id, sig); err != nil {
		return nil, ignoreMissing(err)
	}
	var parts []Segment
	for q := (Query{ContainerID: id, Prefix: Name(prefix)}); ; {
		found, err := list(q, func(o Object) Name { return o.Name }, func(b bounds) ([]Object, error) {
			return findObjects(ctx, m.db.Read(), id, b)
		})
		if err != nil {
			return nil, err
		}
		for _, e := range found.Entries {
			if e.Item.ID() != o.ID() {
				parts = append(parts, Segment{Container: id.Container, Object: e.Name, Size: e.Item.Size, ETag: e.Item.ETag})
			}
		}
		switch n := len(found.Entries); {
		case len(parts) > MaxDynamic:
			return nil, fault.Conflict.Errorf("object %s has more than %d segments, the most that are read as one; join some, or list %s", o.ID(), MaxDynamic, o.Manifest)
		case n < MaxListing:
			return parts, nil
		default:
			q.Marker = found.Entries[n-1].Name
		}
	}
}

// joinCopy makes an object of the bytes of all segments of another.
func (m *Manager) joinCopy(ctx context.Context, c CopySpec, from Object) (Object, error) {
	b, err := m.largeBytes(ctx, from, nil)
	if err != nil {
		return Object{}, err
	}
	body, err := b.Open(ctx, Range{})
	if err != nil {
		return Object{}, err
	}
	defer body.Close()
	p := c.over(from.Properties)
	p.Manifest = c.Manifest
	return m.Upload(ctx, UploadSpec{ObjectID: c.To, Properties: p, Size: b.Size, Body: body})
}

// chain reads segments one after another, each opened when its turn comes.
type chain struct {
	ctx     context.Context
	manager *Manager
	project string
	parts   []Segment
	skip    int64 // bytes to leave out first
	left    int64 // bytes to give
	body    io.ReadCloser
}

func (c *chain) Read(p []byte) (int, error) {
	for {
		if c.left == 0 {
			return 0, io.EOF
		}
		if c.body == nil {
			if err := c.next(); err != nil {
				return 0, err
			}
		}
		n, err := c.body.Read(p[:min(int64(len(p)), c.left)])
		c.left -= int64(n)
		if errors.Is(err, io.EOF) {
			err = c.Close()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next opens the segment that holds the next byte.
func (c *chain) next() error {
	for len(c.parts) > 0 && c.skip >= c.parts[0].Size {
		c.skip -= c.parts[0].Size
		c.parts = c.parts[1:]
	}
	if len(c.parts) == 0 {
		return io.ErrUnexpectedEOF
	}
	s := c.parts[0]
	id := ObjectID{c.project, s.Container, s.Object}
	o, err := loadObject(c.ctx, c.manager.db.Read(), id, c.manager.now())
	if err != nil {
		return fault.Conflict.Errorf("segment %s: %w", id, err)
	}
	if len(o.Segments) > 0 {
		return fault.Conflict.Errorf("segment %s is itself a large object", id)
	}
	if o.ETag != s.ETag || o.Size != s.Size {
		return fault.Conflict.Errorf("segment %s has changed", id)
	}
	c.body, err = c.manager.open(c.ctx, o, Range{Offset: c.skip})
	c.parts, c.skip = c.parts[1:], 0
	return err
}

func (c *chain) Close() error {
	if c.body == nil {
		return nil
	}
	body := c.body
	c.body = nil
	return body.Close()
}
