package computeapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computeapi"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// many is a compute.Service that has servers and nothing else.
type many struct {
	compute.Service
	list []compute.Server
}

func (m many) Servers(context.Context, compute.Query) (page.Of[compute.Server], error) {
	return page.Of[compute.Server]{Items: m.list}, nil
}

func BenchmarkEncode1000ServersInDetail(b *testing.B) {
	m := many{list: make([]compute.Server, 1000)}
	for i := range m.list {
		id := fmt.Sprintf("01980000-0000-7000-8000-%012d", i)
		m.list[i] = compute.Server{
			ID: compute.ServerID(id), ProjectID: project, UserID: "u", Name: "server-" + id, Status: compute.Active, FlavorID: "1", ImageID: "i",
			Flavor: compute.Flavor{ID: "1", Name: "tiny", VCPUs: 1, MemoryMiB: 64}, Metadata: map[string]string{"a": "b"}, Host: "host1", Tags: []string{"a", "b"},
			NICs:      []compute.ServerNIC{{PortID: id, NetworkID: "n", Network: "net", MAC: "fa:16:3e:00:00:01", Addresses: []compute.Address{{IP: "10.0.0.1"}}}},
			Disks:     []compute.ServerDisk{{VolumeID: id, Device: "/dev/vdb"}},
			CreatedAt: time.Now(), UpdatedAt: time.Now(), LaunchedAt: time.Now(),
		}
	}
	server, err := rest.New(rest.Params{
		Faces: []rest.Face{computeapi.Face(computeapi.Params{Servers: m})},
		Authenticator: rest.AuthenticatorFunc(func(ctx context.Context, token string) (context.Context, error) {
			return as(ctx, token), nil
		}),
	})
	must(b, err)
	h := server.Handler()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/compute/v2.1/servers/detail", nil)
		r.Header.Set("X-Auth-Token", project)
		r.Header.Set("OpenStack-API-Version", "compute 2.73")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Body.Len() < 1000*500 {
			b.Fatal(w.Code, w.Body.Len())
		}
	}
}
