package object_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/object"
	"github.com/nacre-cloud/nacre/object/memory"
)

const project = "11111111111111111111111111111111"

var o = object.ObjectID{ProjectID: project, Container: "c", Object: "o"}

func asMember(ctx context.Context) context.Context {
	return identity.With(ctx, identity.Caller{UserID: "u", ProjectID: project, Roles: identity.Expand(identity.RoleMember)})
}

// aged makes blobs look as if they had been stored long ago.
type aged struct{ object.Driver }

func (a aged) Walk(ctx context.Context, f func(object.Blob) error) error {
	return a.Driver.Walk(ctx, func(b object.Blob) error {
		b.Modified = b.Modified.Add(-2 * time.Hour)
		return f(b)
	})
}

func count(t *testing.T, d object.Driver) (n int) {
	t.Helper()
	if err := d.Walk(t.Context(), func(object.Blob) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func upload(t *testing.T, m *object.Manager, id object.ObjectID, p object.Properties) {
	t.Helper()
	ctx := asMember(t.Context())
	if _, err := m.CreateContainer(ctx, object.ContainerPatch{ContainerID: id.Parent()}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Upload(ctx, object.UploadSpec{ObjectID: id, Properties: p, Size: 1, Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
}

func TestSweepRemovesBlobsWithoutObjects(t *testing.T) {
	for name, tt := range map[string]struct {
		wrap func(object.Driver) object.Driver
		want int
	}{
		"old ones":               {func(d object.Driver) object.Driver { return aged{d} }, 600},
		"but not what is so new": {func(d object.Driver) object.Driver { return d }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ram := memory.New(memory.Config{})
			m := newManager(t, dbtest.SQLite(t, bus.Migrations, object.Migrations), tt.wrap(ram))
			upload(t, m, o, object.Properties{})
			for i := range 600 {
				key := object.Key("orphan" + time.Unix(int64(i), 0).Format("150405"))
				if _, err := ram.Put(t.Context(), key, bytes.NewReader(nil), 0); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := m.Sweep(t.Context()); err != nil || n != tt.want {
				t.Errorf("swept %d, %v, want %d", n, err, tt.want)
			}
			if n := count(t, ram); n != 601-tt.want {
				t.Errorf("%d blobs stay, want %d", n, 601-tt.want)
			}
		})
	}
}

func TestExpireRemovesRowAndBlob(t *testing.T) {
	ram := memory.New(memory.Config{})
	m := newManager(t, dbtest.SQLite(t, bus.Migrations, object.Migrations), ram)
	upload(t, m, o, object.Properties{DeleteAt: time.Now().Unix() - 1})
	other := o
	other.Object = "stays"
	upload(t, m, other, object.Properties{DeleteAt: time.Now().Unix() + 1000})
	if n, err := m.Expire(t.Context()); err != nil || n != 1 {
		t.Errorf("expired %d, %v, want 1", n, err)
	}
	if n := count(t, ram); n != 1 {
		t.Errorf("%d blobs stay, want 1", n)
	}
}

func TestNoBlobIsLeftBehind(t *testing.T) {
	ram := memory.New(memory.Config{})
	m := newManager(t, dbtest.SQLite(t, bus.Migrations, object.Migrations), ram)
	ctx := asMember(t.Context())
	copied := o
	copied.Object = "copy"
	upload(t, m, o, object.Properties{})
	upload(t, m, o, object.Properties{})
	if _, err := m.CopyObject(ctx, object.CopySpec{From: o, To: copied}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Upload(ctx, object.UploadSpec{ObjectID: o, Size: 1, ETag: "wrong", Body: strings.NewReader("y")}); !errors.Is(err, object.ErrChecksum) {
		t.Fatal(err)
	}
	for _, want := range []int{1, 0} {
		if n := count(t, ram); n != 1 {
			t.Errorf("%d blobs, want the one that both objects have", n)
		}
		id := map[int]object.ObjectID{1: o, 0: copied}[want]
		if err := m.DeleteObject(ctx, object.DeleteSpec{ObjectID: id}); err != nil {
			t.Fatal(err)
		}
		if n := count(t, ram); n != want {
			t.Errorf("%d blobs, want %d", n, want)
		}
	}
}

func TestEventsAddUp(t *testing.T) {
	d := dbtest.SQLite(t, bus.Migrations, object.Migrations)
	m := newManager(t, d, memory.New(memory.Config{}))
	b := bustest.New(t, d)
	var mu sync.Mutex
	var bytes, objects int64
	seen := make(chan struct{}, 10)
	add := func(size, n int64) error {
		mu.Lock()
		bytes, objects = bytes+size, objects+n
		mu.Unlock()
		seen <- struct{}{}
		return nil
	}
	bus.On(b, "test", func(_ context.Context, _ *db.Tx, e object.Stored) error {
		return add(e.Bytes-e.Replaced, map[bool]int64{true: 1}[e.New])
	})
	bus.On(b, "test", func(_ context.Context, _ *db.Tx, e object.Deleted) error { return add(-e.Bytes, -1) })
	upload(t, m, o, object.Properties{})
	other := o
	other.Object = "other"
	if _, err := m.CopyObject(asMember(t.Context()), object.CopySpec{From: o, To: other}); err != nil {
		t.Fatal(err)
	}
	upload(t, m, o, object.Properties{})
	if err := m.DeleteObject(asMember(t.Context()), object.DeleteSpec{ObjectID: o}); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		select {
		case <-seen:
		case <-time.After(30 * time.Second):
			t.Fatal("an event is missing")
		}
	}
	if bytes != 1 || objects != 1 {
		t.Errorf("events tell of %d objects of %d bytes, there is 1 of 1", objects, bytes)
	}
}
