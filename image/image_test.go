package image_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/image/imageapi"
	"github.com/nacre-cloud/nacre/image/imagerpc"
	"github.com/nacre-cloud/nacre/image/imagetest"
	"github.com/nacre-cloud/nacre/image/memory"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/runtest"
)

var migrations = []db.Migrations{bus.Migrations, flow.Migrations, quota.Migrations, image.Migrations}

func newManager(t *testing.T, d *db.DB, driver image.Driver) *image.Manager {
	t.Helper()
	e := flow.NewEngine(d, nil, flow.Config{})
	m, err := image.New(image.Params{DB: d, Flows: e, Stores: []image.Store{{Name: "memory", Driver: driver}}})
	if err != nil {
		t.Fatal(err)
	}
	runtest.Start(t, m)
	runtest.Start(t, e)
	return m
}

func member(t *testing.T) context.Context {
	t.Helper()
	return identity.With(t.Context(), identity.Caller{UserID: "u", ProjectID: "p", Roles: identity.Expand(identity.RoleMember)})
}

// serveBytes starts the HTTP face that takes m's tickets.
func serveBytes(t *testing.T, m *image.Manager) {
	t.Helper()
	s, err := rest.New(rest.Params{Faces: []rest.Face{imageapi.NewBytes(m)}})
	if err != nil {
		t.Fatal(err)
	}
	runtest.Start(t, s)
	m.ServedAt(func() string { return s.URL() + imageapi.BytesPath })
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

func TestClient(t *testing.T) {
	for _, kind := range []bustest.Kind{bustest.GoChannel, bustest.NATS} {
		t.Run(string(kind), func(t *testing.T) {
			imagetest.TestService(t, func(t *testing.T) imagetest.World {
				d := dbtest.SQLite(t, migrations...)
				server, client := bustest.Pair(t, kind, d)
				m := newManager(t, d, memory.New(memory.Config{}))
				serveBytes(t, m)
				imagerpc.Serve(server, m)
				imagerpc.ServeTickets(server, m)
				return imagetest.World{Service: imagerpc.Client{Bus: client}, Content: imagerpc.Content{Bus: client}}
			})
		})
	}
}

func TestDeletion(t *testing.T) {
	flowtest.Prove(t, func(t *testing.T) flowtest.World[image.Image] {
		d, driver := dbtest.SQLite(t, migrations...), memory.New(memory.Config{})
		m := newManager(t, d, driver)
		i := uploaded(t, m)
		return flowtest.World[image.Image]{
			DB: d, Flow: m.DeleteFlow(), Subject: "image/" + string(i.ID), State: i,
			Done: func(t *testing.T) {
				_, err := m.Image(member(t), i.ID)
				kept, listErr := driver.List(t.Context())
				if !errors.Is(err, fault.NotFound) || listErr != nil || len(kept) != 0 {
					t.Errorf("image: %v, %d kept, %v", err, len(kept), listErr)
				}
			},
		}
	})
}

func uploaded(t *testing.T, m *image.Manager) image.Image {
	t.Helper()
	i, err := m.CreateImage(member(t), image.CreateSpec{DiskFormat: "raw", ContainerFormat: "bare"})
	if err == nil {
		i, err = m.Upload(member(t), i.ID, strings.NewReader("image"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestTickets(t *testing.T) {
	m := newManager(t, dbtest.SQLite(t, migrations...), memory.New(memory.Config{}))
	stranger := newManager(t, dbtest.SQLite(t, migrations...), memory.New(memory.Config{}))
	i := uploaded(t, m)
	if _, err := m.Ticket(member(t), image.TicketSpec{ID: i.ID}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a ticket that leads nowhere: %v", err)
	}
	serveBytes(t, m)
	good, err := m.Ticket(member(t), image.TicketSpec{ID: i.ID, Upload: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Redeem(good.Token); err != nil || got != (image.TicketSpec{ID: i.ID, Upload: true}) {
		t.Errorf("%+v, %v", got, err)
	}
	old, err := m.OldTicket(i.ID)
	if err != nil {
		t.Fatal(err)
	}
	body, mac, _ := strings.Cut(good.Token, ".")
	for name, token := range map[string]string{
		"nothing": "", "another text": "e30." + mac, "no seal": body, "an empty seal": body + ".", "too old": old, "junk": "%.%",
	} {
		if _, err := m.Redeem(token); !errors.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := stranger.Redeem(good.Token); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("another process takes the ticket: %v", err)
	}
	other := identity.With(t.Context(), identity.Caller{UserID: "x", ProjectID: "x", Roles: identity.Expand(identity.RoleMember)})
	if _, err := m.Ticket(other, image.TicketSpec{ID: i.ID}); !errors.Is(err, fault.NotFound) {
		t.Errorf("a ticket for others: %v", err)
	}
}

// A store that is busy while its upload is taken for dead, and then goes on.
type late struct {
	*memory.Driver
	arrived, leave chan struct{}
}

func (l late) Put(ctx context.Context, id image.ID, r io.Reader) (image.Stored, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return image.Stored{}, err
	}
	if string(data) == "late" {
		close(l.arrived)
		<-l.leave
	}
	return l.Driver.Put(context.WithoutCancel(ctx), id, strings.NewReader(string(data)))
}

func TestAnUploadThatWasTakenForDeadChangesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		driver := late{memory.New(memory.Config{}), make(chan struct{}), make(chan struct{})}
		m := newManager(t, d, driver)
		i, err := m.CreateImage(member(t), image.CreateSpec{DiskFormat: "raw", ContainerFormat: "bare"})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			_, err := m.Upload(member(t), i.ID, strings.NewReader("late"))
			done <- err
		}()
		<-driver.arrived
		if err := image.Expire(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if err := m.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i, err = m.Upload(member(t), i.ID, strings.NewReader("next")); err != nil {
			t.Fatal(err)
		}
		close(driver.leave)
		if err := <-done; !errors.Is(err, image.ErrState) {
			t.Errorf("the late upload: %v", err)
		}
		after, err := m.Image(member(t), i.ID)
		kept, listErr := driver.List(t.Context())
		if err != nil || listErr != nil || len(kept) != 1 || kept[0].ID != i.Blob || after.Blob != i.Blob || after.SHA512 != i.SHA512 {
			t.Errorf("%+v, %v, kept %+v, %v", after, err, kept, listErr)
		}
	}, migrations...)
}

func TestAFullStoreLeavesAQueuedImage(t *testing.T) {
	driver := memory.New(memory.Config{Capacity: 3})
	m := newManager(t, dbtest.SQLite(t, migrations...), driver)
	i, err := m.CreateImage(member(t), image.CreateSpec{DiskFormat: "raw", ContainerFormat: "bare"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Upload(member(t), i.ID, strings.NewReader("image")); !errors.Is(err, fault.Exhausted) {
		t.Errorf("upload: %v", err)
	}
	i, err = m.Image(member(t), i.ID)
	kept, listErr := driver.List(t.Context())
	if err != nil || listErr != nil || i.Status != image.Queued || len(kept) != 0 {
		t.Errorf("%+v, %v, kept %+v, %v", i, err, kept, listErr)
	}
}

func TestUnknownBytesAreAcceptedWhereAsked(t *testing.T) {
	m, err := image.New(image.Params{
		DB: dbtest.SQLite(t, migrations...), Flows: flow.NewEngine(nil, nil, flow.Config{}), Config: image.Config{AcceptUnknown: true},
		Stores: []image.Store{{Name: "memory", Driver: memory.New(memory.Config{})}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		format, data string
		want         error
	}{
		{"qcow2", strings.Repeat("x", 100_000), nil},
		{"vhd", "short", nil},
		{"qcow2", "QFI\xfb\x00\x00\x00\x02" + strings.Repeat("\xff", 100_000), fault.Invalid},
		{"raw", "QFI\xfb\x00\x00\x00\x02", fault.Invalid},
		{"vmdk", "QFI\xfb\x00\x00\x00\x02", fault.Invalid},
	} {
		i, err := m.CreateImage(member(t), image.CreateSpec{DiskFormat: tt.format, ContainerFormat: "bare"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = m.Upload(member(t), i.ID, strings.NewReader(tt.data)); !errors.Is(err, tt.want) {
			t.Errorf("%.10q as %s: %v, want %v", tt.data, tt.format, err, tt.want)
		}
	}
}

func TestNewExplainsWhatIsMissing(t *testing.T) {
	e := flow.NewEngine(nil, nil, flow.Config{})
	two := []image.Store{{Name: "a", Driver: memory.New(memory.Config{})}, {Name: "a", Driver: memory.New(memory.Config{})}}
	for name, p := range map[string]image.Params{
		"no store":        {Flows: e},
		"two of one name": {Flows: e, Stores: two},
		"unknown default": {Flows: e, Stores: two[:1], Config: image.Config{DefaultStore: "b"}},
	} {
		if _, err := image.New(p); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestModule(t *testing.T) {
	store := memory.Store("ram", memory.Config{})
	err := fx.ValidateApp(image.Module, store, imageapi.Module, imageapi.Bytes, imagerpc.Server, bus.Module, rest.Module, flow.Module, db.Module,
		quota.Module, fx.Supply(db.Config{URL: "sqlite:/dev/null"}), fx.Invoke(func(image.Service, image.Content, image.Source) {}))
	if err != nil {
		t.Error(err)
	}
}
