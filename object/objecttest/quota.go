package objecttest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/object"
)

func quotas(t *testing.T, s Store) {
	ctx := member(t)
	s.make(t, "c")
	if err := s.UpdateContainer(ctx, object.ContainerPatch{ContainerID: in("c"), Metadata: object.Patch{"Quota-Bytes": "10", "Quota-Count": "2"}}); err != nil {
		t.Fatal(err)
	}
	s.upload(t, at("c", "a"), "1234567890")
	s.upload(t, at("c", "a"), "0987654321")
	for _, size := range []int64{1, -1} {
		_, err := s.Upload(ctx, object.UploadSpec{ObjectID: at("c", "b"), Size: size, Body: strings.NewReader("x")})
		wantKind(t, "an eleventh byte", err, fault.OverQuota)
	}
	s.upload(t, at("c", "b"), "")
	_, err := s.Upload(ctx, object.UploadSpec{ObjectID: at("c", "c"), Body: strings.NewReader("")})
	wantKind(t, "a third object", err, fault.OverQuota)
	s.wantGone(t, at("c", "c"))

	bytesOf := func(n string) object.AccountPatch {
		return object.AccountPatch{ProjectID: project, Metadata: object.Patch{"Quota-Bytes": n}}
	}
	wantKind(t, "a member sets the account's quota", s.UpdateAccount(ctx, bytesOf("100")), fault.Forbidden)
	operator := identitytest.In(t, "22222222222222222222222222222222", identity.RoleAdmin)
	if err := s.UpdateAccount(operator, bytesOf("12")); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "a member drops the account's quota", s.UpdateAccount(ctx, bytesOf("")), fault.Forbidden)
	s.make(t, "d")
	_, err = s.Upload(ctx, object.UploadSpec{ObjectID: at("d", "o"), Size: 3, Body: strings.NewReader("123")})
	wantKind(t, "more than the account may hold", err, fault.OverQuota)
	s.upload(t, at("d", "o"), "12")
}

func quotaRace(t *testing.T, s Store) {
	s.make(t, "c")
	p := object.ContainerPatch{ContainerID: in("c"), Metadata: object.Patch{"Quota-Count": "5"}}
	if err := s.UpdateContainer(member(t), p); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			u := object.UploadSpec{ObjectID: at("c", object.Name(fmt.Sprint(i))), Size: 1, Body: strings.NewReader("x")}
			if _, err := s.Upload(member(t), u); err != nil && !errors.Is(err, fault.OverQuota) {
				t.Errorf("upload: %v", err)
			}
		})
	}
	wg.Wait()
	if c, err := s.Container(member(t), in("c")); err != nil || c.Objects != 5 {
		t.Errorf("%d objects, %v, the quota is 5", c.Objects, err)
	}
}

// accountRace sets an account's quota while its project makes its first container.
func accountRace(t *testing.T, s Store) {
	operator := identitytest.In(t, project, identity.RoleAdmin)
	for i := range 30 {
		id := fmt.Sprintf("%032d", i)
		var wg sync.WaitGroup
		wg.Go(func() {
			c := object.ContainerPatch{ContainerID: object.ContainerID{ProjectID: id, Container: "c"}}
			if _, err := s.CreateContainer(operator, c); err != nil {
				t.Errorf("create container: %v", err)
			}
		})
		wg.Go(func() {
			p := object.AccountPatch{ProjectID: id, Metadata: object.Patch{"Quota-Bytes": "5"}}
			if err := s.UpdateAccount(operator, p); err != nil {
				t.Errorf("set the quota: %v", err)
			}
		})
		wg.Wait()
		if a, err := s.Account(operator, id); err != nil || a.Metadata["Quota-Bytes"] != "5" || a.Containers != 1 {
			t.Fatalf("account = %+v, %v, want a container and the quota that was set", a, err)
		}
	}
}
