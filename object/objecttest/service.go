package objecttest

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/object"
)

// A Store is what TestService tests: a Service, and the Content of the process
// that keeps the bytes.
type Store struct {
	object.Service
	object.Content
}

// TestService checks that what open returns keeps the promises of object.Service
// and object.Content. Each call of open returns a store without objects.
func TestService(t *testing.T, open func(*testing.T) Store) {
	tests := []struct {
		name string
		run  func(*testing.T, Store)
	}{
		{"an object can be read, listed and counted", lifecycle},
		{"a replacement is atomic", replacement},
		{"a container is made once", containers},
		{"metadata is patched and limited", metadata},
		{"listings", listings},
		{"a refused upload leaves what was", refusedUploads},
		{"a copy outlives its source", copies},
		{"an expired object is gone", expiry},
		{"a replaced object is kept, and comes back", versionStack},
		{"a deleted object is kept, too", versionHistory},
		{"versions need a place", versionPlaces},
		{"large objects are their segments", largeObjects},
		{"a manifest counts what it takes itself", manifestsCount},
		{"quotas hold", quotas},
		{"quotas hold in a race", quotaRace},
		{"an account's first words stay in a race", accountRace},
		{"others are kept out", isolation},
		{"access lists let others in", accessLists},
		{"signed URLs", signatures},
		{"a manifest gives away no segments", segmentAccess},
		{"names are checked", names},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

const project = "11111111111111111111111111111111"

func member(t *testing.T) context.Context { return identitytest.In(t, project, identity.RoleMember) }

func in(container object.Name) object.ContainerID {
	return object.ContainerID{ProjectID: project, Container: container}
}

func at(container, name object.Name) object.ObjectID {
	return object.ObjectID{ProjectID: project, Container: container, Object: name}
}

func (s Store) make(t *testing.T, name object.Name) {
	t.Helper()
	if _, err := s.CreateContainer(member(t), object.ContainerPatch{ContainerID: in(name)}); err != nil {
		t.Fatalf("create container %s: %v", name, err)
	}
}

func (s Store) upload(t *testing.T, id object.ObjectID, body string) object.Object {
	t.Helper()
	o, err := s.Upload(member(t), object.UploadSpec{ObjectID: id, Size: int64(len(body)), Body: strings.NewReader(body)})
	if err != nil {
		t.Fatalf("upload %s: %v", id, err)
	}
	return o
}

func (s Store) read(ctx context.Context, id object.ObjectID) (string, error) {
	b, err := s.Download(ctx, object.DownloadSpec{ObjectID: id})
	if err != nil {
		return "", err
	}
	r, err := b.Open(ctx, object.Range{})
	if err != nil {
		return "", err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	return string(data), err
}

func (s Store) want(t *testing.T, id object.ObjectID, want string) {
	t.Helper()
	if got, err := s.read(member(t), id); err != nil || got != want {
		t.Errorf("%s reads %.40q, %v, want %.40q", id, got, err, want)
	}
}

func (s Store) wantGone(t *testing.T, id object.ObjectID) {
	t.Helper()
	if _, err := s.Object(member(t), id); !errors.Is(err, fault.NotFound) {
		t.Errorf("%s: %v, want not found", id, err)
	}
}

func wantKind(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func sum(s string) string {
	h := md5.Sum([]byte(s))
	return hex.EncodeToString(h[:])
}

func lifecycle(t *testing.T, s Store) {
	ctx := member(t)
	s.make(t, "c")
	put := s.upload(t, at("c", "a/b"), "hello")
	if put.ETag != sum("hello") || put.Size != 5 || put.CreatedAt.IsZero() {
		t.Errorf("upload = %+v", put)
	}
	s.upload(t, at("c", "empty"), "")
	o, err := s.Object(ctx, at("c", "a/b"))
	if err != nil || o.ETag != put.ETag || o.Size != 5 || !o.CreatedAt.Equal(put.CreatedAt) {
		t.Errorf("object = %+v, %v, want %+v", o, err, put)
	}
	s.want(t, at("c", "a/b"), "hello")
	s.want(t, at("c", "empty"), "")
	b, err := s.Download(ctx, object.DownloadSpec{ObjectID: at("c", "a/b")})
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Open(ctx, object.Range{Offset: 1, Length: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if part, _ := io.ReadAll(r); string(part) != "ell" {
		t.Errorf("range = %q, want ell", part)
	}
	c, err := s.Container(ctx, in("c"))
	if err != nil || c.Objects != 2 || c.Bytes != 5 {
		t.Errorf("container = %+v, %v, want 2 objects of 5 bytes", c, err)
	}
	a, err := s.Account(ctx, project)
	if err != nil || a.Containers != 1 || a.Objects != 2 || a.Bytes != 5 {
		t.Errorf("account = %+v, %v, want 1 container, 2 objects, 5 bytes", a, err)
	}
	wantKind(t, "delete a container with objects", s.DeleteContainer(ctx, in("c")), fault.Conflict)
	for _, name := range []object.Name{"a/b", "empty"} {
		if err := s.DeleteObject(ctx, object.DeleteSpec{ObjectID: at("c", name)}); err != nil {
			t.Fatal(err)
		}
		s.wantGone(t, at("c", name))
	}
	wantKind(t, "delete again", s.DeleteObject(ctx, object.DeleteSpec{ObjectID: at("c", "empty")}), fault.NotFound)
	if err := s.DeleteContainer(ctx, in("c")); err != nil {
		t.Fatal(err)
	}
	_, err = s.Container(ctx, in("c"))
	wantKind(t, "deleted container", err, fault.NotFound)
	_, err = s.Upload(ctx, object.UploadSpec{ObjectID: at("c", "x"), Body: strings.NewReader("x"), Size: 1})
	wantKind(t, "upload into it", err, fault.NotFound)
}

func replacement(t *testing.T, s Store) {
	s.make(t, "c")
	first := s.upload(t, at("c", "o"), strings.Repeat("1", 300_000))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 5 {
				body := strings.Repeat(fmt.Sprint(i), 300_000)
				if _, err := s.Upload(member(t), object.UploadSpec{ObjectID: at("c", "o"), Size: -1, Body: strings.NewReader(body)}); err != nil {
					t.Errorf("upload: %v", err)
				}
			}
		})
		wg.Go(func() {
			for range 20 {
				got, err := s.read(member(t), at("c", "o"))
				if errors.Is(err, object.ErrReplaced) {
					continue
				}
				if err != nil || len(got) != 300_000 || strings.Trim(got, got[:1]) != "" {
					t.Errorf("read %d mixed bytes, %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()
	last, err := s.Object(member(t), at("c", "o"))
	if err != nil || !last.CreatedAt.After(first.CreatedAt) {
		t.Errorf("last = %+v, %v, want one newer than the first", last, err)
	}
	if c, err := s.Container(member(t), in("c")); err != nil || c.Objects != 1 || c.Bytes != 300_000 {
		t.Errorf("container = %+v, %v, want 1 object", c, err)
	}
}

func containers(t *testing.T, s Store) {
	ctx := member(t)
	for i, want := range []bool{true, false} {
		created, err := s.CreateContainer(ctx, object.ContainerPatch{ContainerID: in("c"), Metadata: object.Patch{"Color": fmt.Sprint(i)}})
		if err != nil || created != want {
			t.Errorf("create = %t, %v, want %t", created, err, want)
		}
	}
	if c, err := s.Container(ctx, in("c")); err != nil || c.Metadata["Color"] != "1" {
		t.Errorf("container = %+v, %v", c, err)
	}
	wantKind(t, "update of none", s.UpdateContainer(ctx, object.ContainerPatch{ContainerID: in("none")}), fault.NotFound)
	wantKind(t, "delete of none", s.DeleteContainer(ctx, in("none")), fault.NotFound)
	s.make(t, "b")
	s.upload(t, at("b", "o"), "123")
	l, err := s.Containers(ctx, object.Query{ContainerID: in("")})
	if err != nil || len(l.Entries) != 2 || l.Entries[0].Item.Name != "b" || l.Entries[0].Item.Bytes != 3 || l.Entries[1].Item.Objects != 0 {
		t.Errorf("containers = %+v, %v, want b with 3 bytes and c", l, err)
	}
}

func metadata(t *testing.T, s Store) {
	ctx := member(t)
	s.make(t, "c")
	s.upload(t, at("c", "o"), "x")
	patch := func(p object.Patch) error {
		return errors.Join(s.UpdateContainer(ctx, object.ContainerPatch{ContainerID: in("c"), Metadata: p}),
			s.UpdateAccount(ctx, object.AccountPatch{ProjectID: project, Metadata: p}))
	}
	for _, p := range []object.Patch{{"A": "1", "B": "2"}, {"A": "", "C": "3"}, {"None": ""}} {
		if err := patch(p); err != nil {
			t.Fatal(err)
		}
	}
	want := object.Metadata{"B": "2", "C": "3"}
	c, _ := s.Container(ctx, in("c"))
	a, _ := s.Account(ctx, project)
	if diff := cmp.Diff([]object.Metadata{want, want}, []object.Metadata{c.Metadata, a.Metadata}); diff != "" {
		t.Error(diff)
	}
	many := object.Patch{}
	for i := range object.MaxMetaCount + 1 {
		many[fmt.Sprint("k", i)] = "v"
	}
	for what, p := range map[string]object.Patch{
		"long name": {strings.Repeat("n", 129): "v"}, "long value": {"k": strings.Repeat("v", 257)},
		"many": many, "quota": {"Quota-Bytes": "lots"},
	} {
		if err := s.UpdateContainer(ctx, object.ContainerPatch{ContainerID: in("c"), Metadata: p}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want invalid", what, err)
		}
	}
	post := object.Properties{ContentType: "text/x", Metadata: object.Metadata{"K": ""}, Disposition: "inline"}
	for _, p := range []object.Properties{{Metadata: object.Metadata{"Old": "1"}, Encoding: "gzip"}, post} {
		if err := s.UpdateObject(ctx, object.ObjectPatch{ObjectID: at("c", "o"), Properties: p}); err != nil {
			t.Fatal(err)
		}
	}
	o, err := s.Object(ctx, at("c", "o"))
	if diff := cmp.Diff(post, o.Properties); err != nil || diff != "" {
		t.Error(err, diff)
	}
	s.want(t, at("c", "o"), "x")
}

func expiry(t *testing.T, s Store) {
	s.make(t, "c")
	s.upload(t, at("c", "o"), "x")
	past := object.Properties{DeleteAt: time.Now().Unix() - 1}
	if err := s.UpdateObject(member(t), object.ObjectPatch{ObjectID: at("c", "o"), Properties: past}); err != nil {
		t.Fatal(err)
	}
	s.wantGone(t, at("c", "o"))
	if err := s.DeleteContainer(member(t), in("c")); err != nil {
		t.Errorf("a container of expired objects: %v", err)
	}
}

func names(t *testing.T, s Store) {
	s.make(t, "c")
	for _, bad := range []object.Name{"", "a/b", object.Name(strings.Repeat("x", 257)), "\xff", "a\x00b"} {
		_, err := s.CreateContainer(member(t), object.ContainerPatch{ContainerID: in(bad)})
		wantKind(t, fmt.Sprintf("container %.10q", bad), err, fault.Invalid)
	}
	for _, bad := range []object.Name{"", object.Name(strings.Repeat("x", 1025)), "\xff", "a\x00b"} {
		_, err := s.Upload(member(t), object.UploadSpec{ObjectID: at("c", bad), Body: strings.NewReader("")})
		wantKind(t, fmt.Sprintf("object %.10q", bad), err, fault.Invalid)
	}
	for _, good := range []object.Name{"../../etc/passwd", "..", "/", "a//b", "%2F", "\u0001 ?#&'\"", object.Name(strings.Repeat("x", 1024))} {
		s.upload(t, at("c", good), string(good))
		s.want(t, at("c", good), string(good))
	}
}
