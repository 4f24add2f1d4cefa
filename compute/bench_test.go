package compute_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computetest"
	computememory "github.com/nacre-cloud/nacre/compute/memory"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/network"
)

// BenchmarkBoot is CreateServer to Active without HTTP, from 16 goroutines.
func BenchmarkBoot(b *testing.B) {
	c := newCloud(b, dbtest.SQLite(b, migrations...), computememory.Config{Inventory: compute.Inventory{VCPUs: 1 << 20, MemoryMiB: 1 << 30, DiskGiB: 1 << 30}})
	admin := identitytest.In(b, "admin", identity.RoleAdmin)
	_, err := c.CreateFlavor(admin, compute.Flavor{ID: "1", Name: "tiny", VCPUs: 1, MemoryMiB: 64, RootGiB: 1, Public: true})
	must(b, err)
	_, err = c.SetQuota(admin, compute.QuotaPatch{ProjectID: computetest.Project, Limits: quota.Amount{compute.ResourceServers: -1, compute.ResourceCores: -1, compute.ResourceMemoryMiB: -1}})
	must(b, err)
	_, err = c.networks.SetQuota(admin, network.QuotaPatch{ProjectID: computetest.Project, Limits: quota.Amount{network.ResourcePorts: -1}})
	must(b, err)
	ctx := identitytest.In(b, computetest.Project, identity.RoleMember)
	b.ResetTimer()
	work := make(chan int)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := range work {
				spec := compute.CreateSpec{Name: fmt.Sprint("s", i), FlavorID: "1", ImageID: c.image, Networks: []compute.NetworkSpec{{NetworkID: c.network}}}
				if _, err := c.CreateServer(ctx, spec); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range b.N {
		work <- i
	}
	close(work)
	wg.Wait()
	building := compute.Query{Status: []compute.Status{compute.Building}}
	building.Limit = 1
	for {
		p, err := c.Servers(ctx, building)
		must(b, err)
		if len(p.Items) == 0 {
			break
		}
		<-time.After(2 * time.Millisecond)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "servers/s")
}
