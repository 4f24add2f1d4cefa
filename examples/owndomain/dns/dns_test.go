package dns

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/page"
)

// web is a compute service with one server.
type web struct{ compute.Service }

func (web) Server(context.Context, compute.ServerID) (compute.Server, error) {
	return compute.Server{ID: "1", Hostname: "web", NICs: []compute.ServerNIC{{Addresses: []compute.Address{{IP: "10.0.0.5"}}}}}, nil
}

func newManager(t *testing.T) *Manager {
	t.Helper()
	d := dbtest.SQLite(t, bus.Migrations, flow.Migrations, Migrations)
	return New(Params{
		DB: d, Bus: bustest.New(t, d), Flows: flow.NewEngine(d, nil, flow.Config{}), Servers: web{},
		Config: Config{Zone: "cloud.example", Dir: t.TempDir()},
	})
}

// a name is there, file and row, or neither is.
func (m *Manager) expect(t *testing.T, there bool) {
	t.Helper()
	r, err := m.Record(identity.With(t.Context(), identity.System("test")), "1")
	if there != (err == nil && r.Name == "web.p.cloud.example" && r.Address == "10.0.0.5") {
		t.Errorf("%+v, %v", r, err)
	}
	files, err := os.ReadDir(m.config.Dir)
	if err != nil || there != (len(files) == 1) {
		t.Errorf("%v, %v", files, err)
	}
}

func TestPublishing(t *testing.T) {
	flowtest.Prove(t, func(t *testing.T) flowtest.World[Record] {
		m := newManager(t)
		return flowtest.World[Record]{
			DB: m.db, Flow: m.publish, Subject: "dns/1", State: Record{ServerID: "1", ProjectID: "p", CreatedAt: db.Now()},
			Done:  func(t *testing.T) { m.expect(t, true) },
			Clean: func(t *testing.T) { m.expect(t, false) },
		}
	})
}

func TestWithdrawing(t *testing.T) {
	flowtest.Prove(t, func(t *testing.T) flowtest.World[Record] {
		m := newManager(t)
		r := Record{ServerID: "1", ProjectID: "p", Name: "web.p.cloud.example", Address: "10.0.0.5", CreatedAt: db.Now()}
		if err := m.write(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
		return flowtest.World[Record]{
			DB: m.db, Flow: m.withdraw, Subject: "dns/1", State: Record{ServerID: "1"},
			Begin: func(ctx context.Context, tx *db.Tx) error { return saveRecord(ctx, tx, &r) },
			Done:  func(t *testing.T) { m.expect(t, false) },
		}
	})
}

func TestRecordsBelongToTheirProject(t *testing.T) {
	m := newManager(t)
	err := m.db.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		return saveRecord(ctx, tx, &Record{ServerID: "1", ProjectID: "p", Name: "n", Address: "a", CreatedAt: db.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	for project, want := range map[string]int{"p": 1, "other": 0} {
		ctx := identity.With(t.Context(), identity.Caller{UserID: "u", ProjectID: project, Roles: identity.Expand(identity.RoleReader)})
		list, err := m.Records(ctx, page.Query{})
		if err != nil || len(list.Items) != want {
			t.Errorf("%s: %v, %v", project, list, err)
		}
		if _, err := m.Record(ctx, "1"); want == 0 && !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", project, err)
		}
	}
}

func TestAMissingDirectoryIsTriedAgain(t *testing.T) {
	err := hosts(filepath.Join(t.TempDir(), "none")).write(Record{ServerID: "1"})
	if !errors.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}
