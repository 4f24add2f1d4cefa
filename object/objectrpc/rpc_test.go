package objectrpc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/object"
	"github.com/nacre-cloud/nacre/object/memory"
	"github.com/nacre-cloud/nacre/object/objectrpc"
	"github.com/nacre-cloud/nacre/object/objecttest"
)

// remote returns a store whose Service is reached over the bus.
func remote(t *testing.T, kind bustest.Kind) objecttest.Store {
	d := dbtest.SQLite(t, bus.Migrations, object.Migrations)
	m, err := object.New(object.Params{DB: d, Backends: []object.Backend{{Name: "standard", Driver: memory.New(memory.Config{})}}})
	if err != nil {
		t.Fatal(err)
	}
	server, client := bustest.Pair(t, kind, d)
	objectrpc.Serve(server, m)
	return objecttest.Store{Service: objectrpc.New(client), Content: m}
}

func TestClient(t *testing.T) {
	for _, kind := range bustest.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			objecttest.TestService(t, func(t *testing.T) objecttest.Store { return remote(t, kind) })
		})
	}
}

func TestLongListingsCross(t *testing.T) {
	s := remote(t, bustest.Kinds[0])
	const project = "11111111111111111111111111111111"
	ctx := identity.With(t.Context(), identity.Caller{UserID: "u", ProjectID: project, Roles: identity.Expand(identity.RoleMember)})
	c := object.ContainerID{ProjectID: project, Container: "c"}
	if _, err := s.CreateContainer(ctx, object.ContainerPatch{ContainerID: c}); err != nil {
		t.Fatal(err)
	}
	const n = 450
	for i := range n {
		name := object.Name(fmt.Sprintf("%04d%s", i, strings.Repeat("x", 1000)))
		id := object.ObjectID{ProjectID: project, Container: "c", Object: name}
		if _, err := s.Upload(ctx, object.UploadSpec{ObjectID: id, Body: strings.NewReader("")}); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []object.Query{{}, {Reverse: true}, {Limit: 300}, {Delimiter: "x"}} {
		q.ContainerID = c
		want := n
		if q.Limit > 0 {
			want = q.Limit
		}
		if l, err := s.Objects(ctx, q); err != nil || len(l.Entries) != want {
			t.Errorf("%+v: %d entries, %v, want %d", q, len(l.Entries), err, want)
		}
	}
}
