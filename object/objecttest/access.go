package objecttest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/object"
)

// attempts are every call, for who may not.
func (s Store) attempts(ctx context.Context) map[string]error {
	_, account := s.Account(ctx, project)
	_, create := s.CreateContainer(ctx, object.ContainerPatch{ContainerID: in("n")})
	_, container := s.Container(ctx, in("c"))
	_, missing := s.Container(ctx, in("none"))
	_, all := s.Containers(ctx, object.Query{ContainerID: in("")})
	_, list := s.Objects(ctx, object.Query{ContainerID: in("c")})
	_, head := s.Object(ctx, at("c", "o"))
	_, read := s.read(ctx, at("c", "o"))
	_, write := s.Upload(ctx, object.UploadSpec{ObjectID: at("c", "o"), Size: 1, Body: bytes.NewReader([]byte("x"))})
	_, cp := s.CopyObject(ctx, object.CopySpec{From: at("c", "o"), To: at("c", "p")})
	return map[string]error{
		"account": account, "create container": create, "container": container, "missing container": missing,
		"list containers": all, "list objects": list, "head": head, "read": read, "write": write, "copy": cp,
		"update account":   s.UpdateAccount(ctx, object.AccountPatch{ProjectID: project}),
		"update container": s.UpdateContainer(ctx, object.ContainerPatch{ContainerID: in("c")}),
		"delete container": s.DeleteContainer(ctx, in("c")),
		"update object":    s.UpdateObject(ctx, object.ObjectPatch{ObjectID: at("c", "o")}),
		"delete object":    s.DeleteObject(ctx, object.DeleteSpec{ObjectID: at("c", "o")}),
	}
}

func isolation(t *testing.T, s Store) {
	s.make(t, "c")
	s.upload(t, at("c", "o"), "secret")
	for what, err := range s.attempts(identitytest.In(t, "22222222222222222222222222222222", identity.RoleManager)) {
		wantKind(t, "another project: "+what, err, fault.Forbidden)
	}
	for what, err := range s.attempts(t.Context()) {
		wantKind(t, "nobody: "+what, err, fault.Unauthenticated)
	}
	reads := map[string]bool{"account": true, "container": true, "list containers": true, "list objects": true, "head": true, "read": true}
	for what, err := range s.attempts(identitytest.In(t, project, identity.RoleReader)) {
		switch {
		case what == "missing container":
			wantKind(t, "reader: "+what, err, fault.NotFound)
		case reads[what] && err != nil:
			t.Errorf("reader: %s: %v", what, err)
		case !reads[what]:
			wantKind(t, "reader: "+what, err, fault.Forbidden)
		}
	}
	s.want(t, at("c", "o"), "secret")
}

func accessLists(t *testing.T, s Store) {
	const friend = "22222222222222222222222222222222"
	s.make(t, "c")
	s.upload(t, at("c", "o"), "x")
	set := func(read, write string) error {
		return s.UpdateContainer(member(t), object.ContainerPatch{ContainerID: in("c"), ReadACL: &read, WriteACL: &write})
	}
	other, nobody := identitytest.In(t, friend, identity.RoleMember), t.Context()
	tests := []struct {
		read, write string
		ctx         context.Context
		may         string
	}{
		{"", "", other, ""},
		{".r:*", "", nobody, "read"},
		{".r:*,.rlistings", "", nobody, "read list"},
		{".r:*", "", other, "read"},
		{friend + ":*", "", other, "read list"},
		{friend + ":user-of-" + friend, "", other, "read list"},
		{friend + ":somebody", "", other, ""},
		{"*:user-of-" + friend, "", other, "read list"},
		{"*:*", "", nobody, ""},
		{"", friend + ":*", other, "write"},
		{"badtenant:baduser", "badtenant:baduser", other, ""},
	}
	for _, tt := range tests {
		if err := set(tt.read, tt.write); err != nil {
			t.Fatal(err)
		}
		_, readErr := s.read(tt.ctx, at("c", "o"))
		_, listErr := s.Objects(tt.ctx, object.Query{ContainerID: in("c")})
		_, writeErr := s.Upload(tt.ctx, object.UploadSpec{ObjectID: at("c", "o"), Size: 1, Body: strings.NewReader("x")})
		for what, err := range map[string]error{"read": readErr, "list": listErr, "write": writeErr} {
			if (err == nil) != strings.Contains(tt.may, what) {
				t.Errorf("read %q write %q: %s: %v, may %q", tt.read, tt.write, what, err, tt.may)
			}
		}
	}
	for _, bad := range []string{".r:example.org", "nocolon", ".unknown"} {
		wantKind(t, "list "+bad, set(bad, ""), fault.Invalid)
	}
	wantKind(t, "a public write list", set("", ".r:*"), fault.Invalid)
	if err := set(friend+":*", ""); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Container(other, in("c")); err != nil || c.ReadACL != "" {
		t.Errorf("a guest sees the list %q, %v", c.ReadACL, err)
	}
}

func signatures(t *testing.T, s Store) {
	s.make(t, "c")
	s.upload(t, at("c", "o"), "x")
	if err := s.UpdateAccount(member(t), object.AccountPatch{ProjectID: project, Metadata: object.Patch{"Temp-Url-Key": "secret"}}); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Unix() + 100
	sign := func(key, method string, expires int64) *object.Signature {
		return &object.Signature{Methods: []string{"GET"}, Paths: []string{"/p", "/v1/p"}, Expires: expires, Sum: Sign(key, method, "/v1/p", expires)}
	}
	for what, tt := range map[string]struct {
		sig *object.Signature
		ok  bool
	}{
		"good":       {sign("secret", "GET", later), true},
		"another":    {sign("guess", "GET", later), false},
		"empty key":  {sign("", "GET", later), false},
		"method":     {sign("secret", "PUT", later), false},
		"expired":    {sign("secret", "GET", time.Now().Unix()-1), false},
		"not a hash": {&object.Signature{Methods: []string{"GET"}, Paths: []string{"/v1/p"}, Expires: later, Sum: "00"}, false},
	} {
		_, err := s.Download(t.Context(), object.DownloadSpec{ObjectID: at("c", "o"), Signature: tt.sig})
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if a, err := s.Account(identitytest.In(t, project, identity.RoleReader), project); err != nil || a.Metadata["Temp-Url-Key"] != "" {
		t.Errorf("a reader sees the key: %v, %v", a.Metadata, err)
	}
}

// segmentAccess reads large objects in "c", which is shared, whose segments are in
// "parts", which is not at first.
func segmentAccess(t *testing.T, s Store) {
	const friend = "22222222222222222222222222222222"
	ctx, guest := member(t), identitytest.In(t, friend, identity.RoleMember)
	s.make(t, "c")
	s.make(t, "parts")
	s.upload(t, at("parts", "p/1"), "secret")
	large := map[object.Name]object.UploadSpec{
		"dynamic": {Properties: object.Properties{Manifest: "parts/p/"}, Body: strings.NewReader("")},
		"static":  {Segments: []object.Segment{{Container: "parts", Object: "p/1", Size: -1}}},
	}
	share := func(container object.Name) {
		t.Helper()
		list := friend + ":*"
		p := object.ContainerPatch{ContainerID: in(container), ReadACL: &list, Metadata: object.Patch{"Temp-Url-Key": "of " + string(container)}}
		if err := s.UpdateContainer(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	share("c")
	open := func(name object.Name, key string) error {
		expires := time.Now().Unix() + 100
		sig := &object.Signature{Methods: []string{"GET"}, Paths: []string{"/p"}, Expires: expires, Sum: Sign(key, "GET", "/p", expires)}
		b, err := s.Download(t.Context(), object.DownloadSpec{ObjectID: at("c", name), Signature: sig})
		if err != nil {
			return err
		}
		body, err := b.Open(t.Context(), object.Range{})
		if err == nil {
			body.Close()
		}
		return err
	}
	for name, u := range large {
		u.ObjectID = at("c", name)
		if _, err := s.Upload(ctx, u); err != nil {
			t.Fatal(err)
		}
		_, err := s.read(guest, u.ObjectID)
		wantKind(t, string(name)+": a guest of the manifest", err, fault.Forbidden)
		wantKind(t, string(name)+": a key of the manifest's container", open(name, "of c"), fault.Unauthenticated)
	}
	if err := s.UpdateAccount(ctx, object.AccountPatch{ProjectID: project, Metadata: object.Patch{"Temp-Url-Key": "of all"}}); err != nil {
		t.Fatal(err)
	}
	share("parts")
	for name := range large {
		if got, err := s.read(guest, at("c", name)); err != nil || got != "secret" {
			t.Errorf("%s: a guest of the segments reads %q, %v", name, got, err)
		}
		if err := open(name, "of all"); err != nil {
			t.Errorf("%s: a key of the account: %v", name, err)
		}
	}
}
