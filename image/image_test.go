package image_test

import (
	"context"
	"errors"
	"testing"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/image/imagetest"
	"github.com/nacre-cloud/nacre/image/memory"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/quota"
)

var migrations = []db.Migrations{bus.Migrations, flow.Migrations, quota.Migrations, image.Migrations}

func newManager(t *testing.T, d *db.DB, driver image.Driver) *image.Manager {
	t.Helper()
	e := flow.NewEngine(d, nil, flow.Config{})
	m, err := image.New(image.Params{DB: d, Flows: e, Stores: []image.Store{{Name: "memory", Driver: driver}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, start := range []func(context.Context) error{m.Start, e.Start} {
		if err := start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := errors.Join(e.Stop(ctx), m.Stop(ctx)); err != nil {
			t.Error(err)
		}
	})
	return m
}

func TestManager(t *testing.T) {
	for name, open := range map[string]func(testing.TB, ...db.Migrations) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			imagetest.TestService(t, func(t *testing.T) imagetest.World {
				m := newManager(t, open(t, migrations...), memory.New(memory.Config{}))
				return imagetest.World{Service: m, Content: m}
			})
		})
	}
}
