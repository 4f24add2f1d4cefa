package network_test

import (
	"context"
	"errors"
	"testing"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/network/memory"
)

// What a row says that cannot be true costs nobody else on the host their network.
func TestWhatCannotBeTrueIsLeftOut(t *testing.T) {
	none, nobody := []network.FixedIP{}, []network.SecurityGroupID{}
	for name, tt := range map[string]struct {
		column, value string
		carried       bool
	}{
		"a MAC that is none":         {"mac", "tap", false},
		"an id that is none":         {"id", "../../etc", false},
		"the device name of another": {"id", "", false},
		"an address pair of nobody":  {"pairs", `[{"Address":"","MAC":""}]`, true},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				h := memory.New()
				m := newManager(t, d, network.Host{Name: "h", Driver: h})
				n := newNetwork(t, m, "10.0.0.0/24")
				made := func(s network.PortSpec) network.Port {
					s.NetworkID = n
					p, err := m.CreatePort(service(t.Context()), s)
					if err != nil {
						t.Fatal(err)
					}
					return p
				}
				good := made(network.PortSpec{Host: "h"})
				bad := made(network.PortSpec{Addresses: &none, Groups: &nobody})
				id, value := bad.ID, tt.value
				if tt.column == "id" {
					if value == "" {
						value = "ffffffff" + string(good.ID[8:])
					}
					id = network.PortID(value)
				}
				if err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
					if _, err := tx.ExecContext(ctx, "DROP INDEX network_ports_tail"); err != nil { // which forbids it
						return err
					}
					_, err := tx.ExecContext(ctx, "UPDATE network_ports SET "+tt.column+" = ? WHERE id = ?", value, bad.ID)
					return err
				}); err != nil {
					t.Fatal(err)
				}
				p, err := m.Bind(service(t.Context()), network.BindSpec{Port: id, Host: "h"})
				if (err == nil) != tt.carried || err != nil && !errors.Is(err, fault.Invalid) {
					t.Errorf("%v, carried: %v", err, tt.carried)
				}
				if p, err = m.Port(service(t.Context()), id); err != nil || (p.Status == network.Active) != tt.carried {
					t.Errorf("port %s is %s, %v", id, p.Status, err)
				}
				third := made(network.PortSpec{Host: "h"})
				ports := map[string]bool{}
				for _, p := range h.View().Ports {
					ports[p.ID] = true
				}
				if !ports[string(good.ID)] || !ports[string(third.ID)] || ports[string(id)] != tt.carried {
					t.Errorf("%s, %s and %s: the host carries %v", good.ID, third.ID, id, ports)
				}
			}, migrations...)
		})
	}
}
