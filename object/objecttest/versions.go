package objecttest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nacre-cloud/nacre/object"
)

// versioned makes containers "c" and "old", which keeps the versions of "c".
func (s Store) versioned(t *testing.T, history bool) {
	t.Helper()
	s.make(t, "old")
	p := object.ContainerPatch{ContainerID: in("c"), Versions: &object.Versions{VersionsIn: "old", KeepDeleted: history}}
	if _, err := s.CreateContainer(member(t), p); err != nil {
		t.Fatal(err)
	}
}

// bodies returns what the objects of a container read, in the order of their
// names; "-" stands for a deletion.
func (s Store) bodies(t *testing.T, container object.Name) []string {
	t.Helper()
	l, err := s.Objects(member(t), object.Query{ContainerID: in(container)})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range l.Entries {
		body, err := s.read(member(t), e.Item.ID())
		if err != nil {
			t.Errorf("%s: %v", e.Item.ID(), err)
		}
		if e.Item.ContentType == object.DeleteMarker {
			body = "-"
		}
		all = append(all, body)
	}
	return all
}

func (s Store) wantBodies(t *testing.T, container object.Name, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, s.bodies(t, container)); diff != "" {
		t.Errorf("container %s: %s", container, diff)
	}
}

func (s Store) delete(t *testing.T, id object.ObjectID) {
	t.Helper()
	if err := s.DeleteObject(member(t), object.DeleteSpec{ObjectID: id}); err != nil {
		t.Errorf("delete %s: %v", id, err)
	}
}

func versionStack(t *testing.T, s Store) {
	s.versioned(t, false)
	for _, body := range []string{"one", "two", "three"} {
		s.upload(t, at("c", "o"), body)
	}
	s.upload(t, at("c", "oo"), "other")
	s.wantBodies(t, "c", "three", "other")
	s.wantBodies(t, "old", "one", "two")
	if _, err := s.CopyObject(member(t), object.CopySpec{From: at("c", "oo"), To: at("c", "o")}); err != nil {
		t.Fatal(err)
	}
	s.wantBodies(t, "old", "one", "two", "three")
	for _, left := range []string{"three", "two", "one"} {
		s.delete(t, at("c", "o"))
		s.want(t, at("c", "o"), left)
	}
	if a, err := s.Account(member(t), project); err != nil || a.Objects != 2 || a.Bytes != 8 {
		t.Errorf("account = %+v, %v, want what is left", a, err)
	}
	s.delete(t, at("c", "o"))
	s.wantGone(t, at("c", "o"))
	s.wantBodies(t, "old")
	s.want(t, at("c", "oo"), "other")
}

func versionHistory(t *testing.T, s Store) {
	s.versioned(t, true)
	s.upload(t, at("c", "o"), "one")
	s.upload(t, at("c", "o"), "two")
	s.delete(t, at("c", "o"))
	s.wantGone(t, at("c", "o"))
	s.upload(t, at("c", "o"), "three")
	s.wantBodies(t, "old", "one", "two", "-")
	off := object.ContainerPatch{ContainerID: in("c"), Versions: &object.Versions{VersionsIn: "old"}}
	if err := s.UpdateContainer(member(t), off); err != nil {
		t.Fatal(err)
	}
	s.delete(t, at("c", "o")) // before it, there was none
	s.wantGone(t, at("c", "o"))
	s.wantBodies(t, "old", "one", "two")
}

func versionPlaces(t *testing.T, s Store) {
	ctx := member(t)
	for _, bad := range []object.Name{"c", "a/b"} {
		_, err := s.CreateContainer(ctx, object.ContainerPatch{ContainerID: in("c"), Versions: &object.Versions{VersionsIn: bad}})
		wantKind(t, "versions in "+string(bad), err, object.ErrPrecondition)
	}
	s.versioned(t, false)
	s.upload(t, at("c", "o"), "one")
	if err := s.DeleteContainer(ctx, in("old")); err != nil {
		t.Fatal(err)
	}
	_, err := s.CopyObject(ctx, object.CopySpec{From: at("c", "o"), To: at("c", "o")})
	wantKind(t, "replace without a place for the version", err, object.ErrPrecondition)
	s.want(t, at("c", "o"), "one")
	if err := s.UpdateContainer(ctx, object.ContainerPatch{ContainerID: in("c"), Versions: &object.Versions{}}); err != nil {
		t.Fatal(err)
	}
	s.upload(t, at("c", "o"), "two")
	if c, err := s.Container(ctx, in("c")); err != nil || c.VersionsIn != "" || c.Objects != 1 {
		t.Errorf("container = %+v, %v", c, err)
	}
}
