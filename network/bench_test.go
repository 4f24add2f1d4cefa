package network_test

import (
	"fmt"
	"testing"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/network/memory"
)

func benchManager(b *testing.B, d *db.DB) *network.Manager {
	b.Helper()
	m, err := network.New(network.Params{
		DB: d, Hosts: []network.Host{{Name: "h", Driver: memory.New()}},
		Config: network.Config{Quota: quota.Amount{network.ResourcePorts: quota.Unlimited}},
	})
	if err == nil {
		err = m.Start(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = m.Stop(b.Context()) })
	return m
}

func BenchmarkCreatePort(b *testing.B) {
	m := benchManager(b, dbtest.SQLite(b, migrations...))
	n := newNetwork(b, m, "10.0.0.0/8")
	ctx := member(b.Context())
	for b.Loop() {
		if _, err := m.CreatePort(ctx, network.PortSpec{NetworkID: n}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBind plugs ports into a host that has some already, 16 at a time.
func BenchmarkBind(b *testing.B) {
	for _, there := range []int{0, 1000} {
		b.Run(fmt.Sprintf("%d there", there), func(b *testing.B) {
			m := benchManager(b, dbtest.SQLite(b, migrations...))
			n := newNetwork(b, m, "10.0.0.0/8")
			ctx := service(b.Context())
			for range there {
				if _, err := m.CreatePort(ctx, network.PortSpec{NetworkID: n, Host: "h"}); err != nil {
					b.Fatal(err)
				}
			}
			b.SetParallelism(8)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					p, err := m.CreatePort(ctx, network.PortSpec{NetworkID: n})
					if err == nil {
						_, err = m.Bind(ctx, network.BindSpec{Port: p.ID, Host: "h", ServerID: "s"})
					}
					if err == nil {
						err = m.DeletePort(ctx, p.ID)
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
