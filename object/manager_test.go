package object_test

import (
	"bytes"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/object"
	"github.com/nacre-cloud/nacre/object/file"
	"github.com/nacre-cloud/nacre/object/memory"
	"github.com/nacre-cloud/nacre/object/objecttest"
)

func newManager(t testing.TB, d *db.DB, driver object.Driver) *object.Manager {
	t.Helper()
	m, err := object.New(object.Params{DB: d, Backends: []object.Backend{{Name: "standard", Driver: driver}}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestManager(t *testing.T) {
	databases := map[string]func(testing.TB, ...db.Migrations) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres}
	drivers := map[string]func(*testing.T) object.Driver{
		"memory": func(*testing.T) object.Driver { return memory.New(memory.Config{}) },
		"file":   func(t *testing.T) object.Driver { return file.New(t.TempDir()) },
	}
	for database, open := range databases {
		for driver, make := range drivers {
			t.Run(database+" "+driver, func(t *testing.T) {
				objecttest.TestService(t, func(t *testing.T) objecttest.Store {
					m := newManager(t, open(t, bus.Migrations, object.Migrations), make(t))
					return objecttest.Store{Service: m, Content: m}
				})
			})
		}
	}
}

func BenchmarkUpload4KiB(b *testing.B) {
	d := dbtest.SQLite(b, bus.Migrations, object.Migrations)
	m := newManager(b, d, file.New(b.TempDir()))
	ctx := asMember(b.Context())
	if _, err := m.CreateContainer(ctx, object.ContainerPatch{ContainerID: o.Parent()}); err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 4<<10)
	var n atomic.Int64
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := o
			id.Object = object.Name(strconv.FormatInt(n.Add(1), 10))
			if _, err := m.Upload(ctx, object.UploadSpec{ObjectID: id, Size: int64(len(data)), Body: bytes.NewReader(data)}); err != nil {
				b.Error(err)
			}
		}
	})
}
