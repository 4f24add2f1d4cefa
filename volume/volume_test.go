package volume_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/volume"
	"github.com/nacre-cloud/nacre/volume/memory"
	"github.com/nacre-cloud/nacre/volume/volumerpc"
	"github.com/nacre-cloud/nacre/volume/volumetest"
)

var migrations = []db.Migrations{bus.Migrations, flow.Migrations, quota.Migrations, volume.Migrations}

func newManager(t *testing.T, d *db.DB, driver volume.Driver) *volume.Manager {
	t.Helper()
	return newUploader(t, d, driver, newSink())
}

// newUploader is newManager with an image service to upload to.
func newUploader(t *testing.T, d *db.DB, driver volume.Driver, s volume.ImageSink) *volume.Manager {
	t.Helper()
	e := flow.NewEngine(d, nil, flow.Config{})
	m, err := volume.New(volume.Params{DB: d, Flows: e, Images: images{}, Sink: s, Backends: []volume.Backend{{Name: "memory", Driver: driver}}})
	if err != nil {
		t.Fatal(err)
	}
	runtest.Start(t, m)
	runtest.Start(t, e)
	return m
}

// images is an image service with one image.
type images struct{}

func (images) Image(_ context.Context, id string) (volume.Image, error) {
	if id != "image" {
		return volume.Image{}, fault.NotFound.Errorf("image %s", id)
	}
	return volume.Image{ID: id, DiskFormat: "raw", SizeBytes: 5, MinDiskGiB: 2, Metadata: map[string]string{"os": "linux"}}, nil
}

func (images) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("image")), nil
}

func TestManager(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		volumetest.TestService(t, func(t *testing.T) volume.Service {
			return newManager(t, dbtest.SQLite(t, migrations...), memory.New())
		})
	})
	t.Run("postgres", func(t *testing.T) {
		volumetest.TestService(t, func(t *testing.T) volume.Service {
			return newManager(t, dbtest.Postgres(t, migrations...), memory.New())
		})
	})
}

func TestClient(t *testing.T) {
	for _, kind := range []bustest.Kind{bustest.GoChannel, bustest.NATS} {
		t.Run(string(kind), func(t *testing.T) {
			volumetest.TestService(t, func(t *testing.T) volume.Service {
				d := dbtest.SQLite(t, migrations...)
				server, client := bustest.Pair(t, kind, d)
				volumerpc.Serve(server, newManager(t, d, memory.New()))
				return volumerpc.Client{Bus: client}
			})
		})
	}
}

func TestFlows(t *testing.T) {
	ctx := identity.With(t.Context(), identity.Caller{UserID: "u", ProjectID: "p", Roles: identity.Expand(identity.RoleMember)})
	for name, spec := range map[string]volume.CreateSpec{"empty": {SizeGiB: 1}, "from an image": {SizeGiB: 2, ImageID: "image"}} {
		t.Run(name, func(t *testing.T) {
			flowtest.Prove(t, func(t *testing.T) flowtest.World[volume.CreateState] {
				d, driver := dbtest.SQLite(t, migrations...), memory.New()
				m := newManager(t, d, driver)
				v, err := m.Plan(ctx, spec)
				if err != nil {
					t.Fatal(err)
				}
				check := func(status volume.Status, kept int) func(*testing.T) {
					return func(t *testing.T) {
						got, err := m.Volume(ctx, v.Volume.ID)
						ids, listErr := driver.List(ctx)
						if err := errors.Join(err, listErr); err != nil || got.Status != status || len(ids) != kept {
							t.Errorf("volume %s, %d kept, %v", got.Status, len(ids), err)
						}
					}
				}
				return flowtest.World[volume.CreateState]{
					DB: d, Flow: m.CreateFlow(), Subject: "volume/" + string(v.Volume.ID), State: v,
					Begin: func(ctx context.Context, tx *db.Tx) error { return volume.Insert(ctx, tx, &v.Volume) },
					Done:  check(volume.Available, 1),
					Clean: func(t *testing.T) {
						got, err := m.Volume(ctx, v.Volume.ID)
						ids, listErr := driver.List(ctx)
						if err := errors.Join(err, listErr); err != nil || got.Status == volume.Available || len(ids) != 0 {
							t.Errorf("volume %s, %d kept, %v", got.Status, len(ids), err)
						}
					},
				}
			})
		})
	}
}

func TestAVolumeThatCannotBeMadeSaysWhy(t *testing.T) {
	d := dbtest.SQLite(t, migrations...)
	m := newManager(t, d, full{memory.New()})
	ctx := identity.With(t.Context(), identity.Caller{UserID: "u", ProjectID: "p", Roles: identity.Expand(identity.RoleMember)})
	v, err := m.CreateVolume(ctx, volume.CreateSpec{SizeGiB: 1})
	if err != nil {
		t.Fatal(err)
	}
	flowtest.Eventually(t, "the volume fails", func() bool {
		v, err = m.Volume(ctx, v.ID)
		return err == nil && v.Status == volume.Failed
	})
	if !strings.Contains(v.Message, "the pool is full") {
		t.Error(v.Message)
	}
	if err := m.DeleteVolume(ctx, v.ID); err != nil {
		t.Error(err)
	}
}

// full is a backend without room.
type full struct{ *memory.Driver }

func (full) Create(context.Context, volume.Volume) error {
	return fault.Exhausted.Errorf("the pool is full")
}

// plain is a backend without any optional power.
type plain struct{ volume.Driver }

func TestABackendWithoutAPowerSaysSo(t *testing.T) {
	m := newManager(t, dbtest.SQLite(t, migrations...), plain{memory.New()})
	ctx := identity.With(t.Context(), identity.Caller{UserID: "u", ProjectID: "p", Roles: identity.Expand(identity.RoleMember)})
	v, err := m.CreateVolume(ctx, volume.CreateSpec{SizeGiB: 1})
	if err != nil {
		t.Fatal(err)
	}
	flowtest.Eventually(t, "the volume is available", func() bool {
		v, err = m.Volume(ctx, v.ID)
		return err == nil && v.Status == volume.Available
	})
	if _, err := m.CreateSnapshot(ctx, volume.SnapshotSpec{VolumeID: v.ID}); !errors.Is(err, fault.Unsupported) {
		t.Errorf("snapshot: %v", err)
	}
	if _, err := m.ExtendVolume(ctx, volume.ExtendSpec{ID: v.ID, SizeGiB: 2}); !errors.Is(err, fault.Unsupported) {
		t.Errorf("extend: %v", err)
	}
}

func TestNewExplainsWhatIsMissing(t *testing.T) {
	e := flow.NewEngine(nil, nil, flow.Config{})
	two := []volume.Backend{{Name: "a", Driver: memory.New()}, {Name: "a", Driver: memory.New()}}
	for name, p := range map[string]volume.Params{
		"no backend":      {Flows: e},
		"two of one name": {Flows: e, Backends: two},
		"unknown default": {Flows: e, Backends: two[:1], Config: volume.Config{DefaultBackend: "b"}},
	} {
		if _, err := volume.New(p); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestModule(t *testing.T) {
	err := fx.ValidateApp(volume.Module, memory.Backend("ram"), flow.Module, db.Module, quota.Module,
		fx.Supply(db.Config{URL: "sqlite:/dev/null"}), fx.Invoke(func(volume.Service) {}))
	if err != nil {
		t.Error(err)
	}
}
