package computeapi

import (
	"context"
	"fmt"
	"strings"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
)

type flavorBrief struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Links       links   `json:"links"`
	Description *string `json:"description" since:"2.55"`
}

type flavorOut struct {
	flavorBrief
	VCPUs     int               `json:"vcpus"`
	MemoryMiB int               `json:"ram"`
	RootGiB   int               `json:"disk"`
	Ephemeral int               `json:"OS-FLV-EXT-DATA:ephemeral"`
	Swap      any               `json:"swap"` // none is "" before 2.75
	RxTx      float64           `json:"rxtx_factor"`
	Public    bool              `json:"os-flavor-access:is_public"`
	Disabled  bool              `json:"OS-FLV-DISABLED:disabled"`
	Specs     map[string]string `json:"extra_specs" since:"2.61"`
}

func briefFlavor(r *rest.Request) func(*compute.Flavor, *flavorBrief) {
	self, mark := r.URL("/v2.1/flavors"), r.URL("/flavors")
	return func(f *compute.Flavor, out *flavorBrief) {
		*out = flavorBrief{
			ID: f.ID, Name: f.Name, Description: text(&f.Description),
			Links: links{{Rel: "self", Href: self + "/" + f.ID}, {Rel: "bookmark", Href: mark + "/" + f.ID}},
		}
	}
}

func newFlavor(r *rest.Request) func(*compute.Flavor, *flavorOut) {
	brief, number := briefFlavor(r), r.Since("2.75")
	return func(f *compute.Flavor, out *flavorOut) {
		*out = flavorOut{
			VCPUs: f.VCPUs, MemoryMiB: f.MemoryMiB, RootGiB: f.RootGiB, Ephemeral: f.EphemeralGiB, Swap: f.SwapMiB,
			RxTx: f.RxTxFactor, Public: f.Public, Specs: f.Specs,
		}
		if f.SwapMiB == 0 && !number {
			out.Swap = ""
		}
		brief(f, &out.flavorBrief)
	}
}

func (a *api) replyFlavor(r *rest.Request, f compute.Flavor, err error) (rest.Response, error) {
	var out flavorOut
	newFlavor(r)(&f, &out)
	return rest.ReplyUnder("flavor", &out), err
}

var flavorPaging = rest.Paging{
	ZeroIsNone: true, Links: rest.NextLink,
	Sort: []page.Sort{{Key: "flavorid"}},
	Keys: map[string]string{
		"flavorid": "flavorid", "id": "flavorid", "name": "name", "memory_mb": "memory_mb", "root_gb": "root_gb", "vcpus": "vcpus",
		"ephemeral_gb": "ephemeral_gb", "swap": "swap", "rxtx_factor": "rxtx_factor", "is_public": "is_public", "created_at": "created_at",
	},
}

func (a *api) listFlavors(r *rest.Request) (rest.Response, error) {
	p, err := a.findFlavors(r)
	return rest.ReplyPage(r, "flavors", transform(p, briefFlavor(r))), err
}

func (a *api) detailFlavors(r *rest.Request) (rest.Response, error) {
	p, err := a.findFlavors(r)
	return rest.ReplyPage(r, "flavors", transform(p, newFlavor(r))), err
}

func (a *api) findFlavors(r *rest.Request) (page.Of[compute.Flavor], error) {
	q := r.Query()
	asked := compute.FlavorQuery{Query: q.Page(flavorPaging), MinMemoryMiB: q.Int("minRam", 0), MinRootGiB: q.Int("minDisk", 0)}
	public, all := true, false
	if word := q.String("is_public"); strings.EqualFold(word, "none") {
		all = true
	} else if word != "" {
		public = q.Bool("is_public", true)
	}
	var none page.Of[compute.Flavor]
	if err := q.Err(); err != nil {
		return none, err
	}
	if asked.Marker != "" {
		if _, err := a.Flavor(r.Context(), asked.Marker); err != nil {
			return none, badMarker(asked.Marker, err)
		}
	}
	if !identity.CallerOf(r.Context()).Admin() {
		return a.Flavors(r.Context(), asked) // others see what they may use, whatever they ask
	}
	asked.All = true
	return sift(r.Context(), asked.Query,
		func(ctx context.Context, q page.Query) (page.Of[compute.Flavor], error) {
			asked.Query = q
			return a.Flavors(ctx, asked)
		},
		func(f *compute.Flavor) bool { return all || f.Public == public },
		func(f *compute.Flavor) string { return f.ID })
}

func (a *api) showFlavor(r *rest.Request) (rest.Response, error) {
	f, err := a.Flavor(r.Context(), r.Param("id"))
	return a.replyFlavor(r, f, err)
}

type flavorCreate struct {
	Name        string   `json:"name" required:"true" min:"1" max:"255"`
	ID          any      `json:"id"` // text, or a number; "auto" and null are made up
	MemoryMiB   int      `json:"ram" required:"true" min:"1" max:"2147483647" loose:"true"`
	VCPUs       int      `json:"vcpus" required:"true" min:"1" max:"2147483647" loose:"true"`
	RootGiB     int      `json:"disk" required:"true" min:"0" max:"2147483647" loose:"true"`
	Ephemeral   int      `json:"OS-FLV-EXT-DATA:ephemeral" min:"0" max:"2147483647" loose:"true"`
	SwapMiB     int      `json:"swap" min:"0" max:"2147483647" loose:"true"`
	RxTx        *float64 `json:"rxtx_factor" loose:"true"`
	Public      *bool    `json:"os-flavor-access:is_public" loose:"true"`
	Description *string  `json:"description" max:"65535" since:"2.55"`
}

func (a *api) createFlavor(r *rest.Request, in flavorCreate) (rest.Response, error) {
	f := compute.Flavor{
		Name: in.Name, Description: deref(in.Description), VCPUs: in.VCPUs, MemoryMiB: in.MemoryMiB, RootGiB: in.RootGiB,
		EphemeralGiB: in.Ephemeral, SwapMiB: in.SwapMiB, RxTxFactor: 1, Public: in.Public == nil || *in.Public,
	}
	if in.RxTx != nil {
		if f.RxTxFactor = *in.RxTx; f.RxTxFactor <= 0 {
			return rest.Response{}, fault.Invalid.Errorf("flavor.rxtx_factor: must be above 0")
		}
	}
	var err error
	if f.ID, err = flavorID(in.ID); err != nil {
		return rest.Response{}, err
	}
	if strings.TrimSpace(in.Name) != in.Name {
		return rest.Response{}, fault.Invalid.Errorf("flavor.name: must neither begin nor end with blanks")
	}
	f, err = a.CreateFlavor(r.Context(), f)
	return a.replyFlavor(r, f, err)
}

func flavorID(v any) (string, error) {
	switch id := v.(type) {
	case nil:
		return "", nil
	case float64:
		return fmt.Sprintf("%.0f", id), nil
	case string:
		if id == "auto" {
			return "", nil
		}
		if id != "" && len(id) <= 255 && strings.TrimSpace(id) == id && strings.IndexFunc(id, notInID) < 0 {
			return id, nil
		}
	}
	return "", fault.Invalid.Errorf("flavor.id: use letters, digits, blanks inside, and any of ._-")
}

func notInID(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune(" ._-", c))
}

type flavorUpdate struct {
	Description rest.Optional[string] `json:"description" required:"true" max:"65535"`
}

func (a *api) updateFlavor(r *rest.Request, in flavorUpdate) (rest.Response, error) {
	description := in.Description.Or("")
	f, err := a.UpdateFlavor(r.Context(), compute.FlavorPatch{ID: r.Param("id"), Description: &description})
	return a.replyFlavor(r, f, err)
}

func (a *api) deleteFlavor(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.DeleteFlavor(r.Context(), r.Param("id"))
}
