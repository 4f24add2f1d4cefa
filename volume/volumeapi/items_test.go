package volumeapi_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
)

// TestWhatIsSetAtOnceAllLasts sets and removes many items of one thing, each by a call of its own.
func TestWhatIsSetAtOnceAllLasts(t *testing.T) {
	const n = 20
	c := newCloud(t).as("ada", "3.70")
	v := newVolume(t, c, volumes.CreateOpts{})
	s := must[*snapshots.Snapshot](t)(snapshots.Create(t.Context(), c, snapshots.CreateOpts{VolumeID: v.ID}).Extract())
	for name, tt := range map[string]struct {
		all, set, removed string // methods, paths and bodies; of one item with its number
		field, under      string
	}{
		"metadata of a volume": {
			"GET /volumes/" + v.ID + "/metadata ", "PUT /volumes/" + v.ID + `/metadata/k%[1]d {"meta":{"k%[1]d":"v"}}`, "DELETE /volumes/" + v.ID + "/metadata/k%d ", "", "metadata",
		},
		"metadata of a snapshot": {
			"GET /snapshots/" + s.ID + "/metadata ", "PUT /snapshots/" + s.ID + `/metadata/k%[1]d {"meta":{"k%[1]d":"v"}}`, "DELETE /snapshots/" + s.ID + "/metadata/k%d ", "", "metadata",
		},
		"image metadata": {
			"GET /volumes/" + v.ID + " ", "POST /volumes/" + v.ID + `/action {"os-set_image_metadata":{"metadata":{"k%d":"v"}}}`,
			"POST /volumes/" + v.ID + `/action {"os-unset_image_metadata":{"key":"k%d"}}`, "volume", "volume_image_metadata",
		},
	} {
		t.Run(name, func(t *testing.T) {
			ask := func(request string) map[string]any {
				var method, path, body string
				_, _ = fmt.Sscan(request, &method, &path, &body)
				a := call(t, c, method, path, body)
				if a.status != 200 {
					t.Errorf("%s: %d %s", request, a.status, a.text)
				}
				return a.body
			}
			left := func() int {
				body := ask(tt.all)
				if tt.field != "" {
					body, _ = body[tt.field].(map[string]any)
				}
				items, _ := body[tt.under].(map[string]any)
				return len(items)
			}
			for _, step := range []struct {
				request string
				want    int
			}{{tt.set, n}, {tt.removed, 0}} {
				var wg sync.WaitGroup
				for i := range n {
					wg.Go(func() { ask(fmt.Sprintf(step.request, i)) })
				}
				wg.Wait()
				if got := left(); got != step.want {
					t.Errorf("after %s %d items are there, not %d", step.request, got, step.want)
				}
			}
		})
	}
}
