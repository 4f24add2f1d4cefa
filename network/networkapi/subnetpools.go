package networkapi

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

func (a *api) subnetPoolRoutes() []rest.Route {
	show := func(ctx context.Context, id string) (network.SubnetPool, error) {
		return a.networks.SubnetPool(ctx, network.SubnetPoolID(id))
	}
	remove := func(ctx context.Context, id string) error {
		return a.networks.DeleteSubnetPool(ctx, network.SubnetPoolID(id))
	}
	keys := []string{"min_prefixlen=min_bits", "max_prefixlen=max_bits", "default_prefixlen=default_bits"}
	return []rest.Route{
		rest.GET(root+"/subnetpools", list("subnetpools", keys, a.networks.SubnetPools, subnetPoolOf)),
		rest.POST(root+"/subnetpools", rest.JSON(a.createSubnetPool)).Status(http.StatusCreated),
		rest.GET(root+"/subnetpools/{id}", about("SubnetPool", one("subnetpool", show, subnetPoolOf))),
		rest.PUT(root+"/subnetpools/{id}", about("SubnetPool", rest.JSONUnder("subnetpool", a.updateSubnetPool))),
		rest.DELETE(root+"/subnetpools/{id}", about("SubnetPool", drop(remove))),
	}
}

type subnetPoolView struct {
	standard
	Prefixes    []netip.Prefix `json:"prefixes"`
	MinBits     int            `json:"min_prefixlen"`
	MaxBits     int            `json:"max_prefixlen"`
	DefaultBits int            `json:"default_prefixlen"`
	Quota       *int64         `json:"default_quota"`
	IPVersion   int            `json:"ip_version"`
	Shared      bool           `json:"shared"`
	Default     bool           `json:"is_default"` // always false: whoever wants a pool names it
	ScopeID     *string        `json:"address_scope_id"`
}

func subnetPoolOf(_ *rest.Request, p network.SubnetPool) subnetPoolView {
	v := subnetPoolView{
		standard: standardOf(p.ID, p.Attributes), Prefixes: p.Prefixes, MinBits: p.MinBits, MaxBits: p.MaxBits,
		DefaultBits: p.DefaultBits, IPVersion: 6, Shared: p.Shared,
	}
	if p.Is4() {
		v.IPVersion = 4
	}
	if p.Quota != quota.Unlimited {
		v.Quota = &p.Quota
	}
	return v
}

type subnetPoolBody struct {
	_ struct{} `strict:"true"`
	base
	Prefixes    []string              `json:"prefixes"`
	MinBits     rest.Optional[int]    `json:"min_prefixlen" loose:"true"`
	MaxBits     rest.Optional[int]    `json:"max_prefixlen" loose:"true"`
	DefaultBits rest.Optional[int]    `json:"default_prefixlen" loose:"true"`
	Quota       rest.Optional[int64]  `json:"default_quota" loose:"true"`
	Shared      rest.Optional[bool]   `json:"shared" loose:"true"`
	Default     rest.Optional[bool]   `json:"is_default" loose:"true"`
	ScopeID     rest.Optional[string] `json:"address_scope_id"`
}

// parse reads the prefixes, and refuses what no pool here can be.
func (b subnetPoolBody) parse() ([]netip.Prefix, error) {
	if b.Default.Value || b.ScopeID.Value != "" {
		return nil, fault.Invalid.Errorf("subnet pools are in no address scope, and none is the default")
	}
	var out []netip.Prefix
	for _, text := range b.Prefixes {
		p, err := parsePrefix("prefixes", text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// limit returns the quota that was given; null is none.
func (b subnetPoolBody) limit() *int64 {
	if !b.Quota.Given {
		return nil
	}
	n := b.Quota.Or(quota.Unlimited)
	return &n
}

func (a *api) createSubnetPool(r *rest.Request, in struct {
	One  *subnetPoolBody  `json:"subnetpool"`
	Many []subnetPoolBody `json:"subnetpools"`
},
) (rest.Response, error) {
	return maker[subnetPoolBody, network.SubnetPool, subnetPoolView]{
		key: "subnetpool", show: subnetPoolOf,
		undo: func(ctx context.Context, p network.SubnetPool) error { return a.networks.DeleteSubnetPool(ctx, p.ID) },
		create: func(r *rest.Request, b subnetPoolBody) (network.SubnetPool, error) {
			prefixes, err := b.parse()
			if err != nil {
				return network.SubnetPool{}, err
			}
			return a.networks.CreateSubnetPool(r.Context(), network.SubnetPoolSpec{
				Base: b.spec(), Prefixes: prefixes, MinBits: b.MinBits.Value, MaxBits: b.MaxBits.Value,
				DefaultBits: b.DefaultBits.Value, Quota: b.limit(), Shared: b.Shared.Value,
			})
		},
	}.make(r, in.One, in.Many)
}

func (a *api) updateSubnetPool(r *rest.Request, b subnetPoolBody) (rest.Response, error) {
	base, err := b.patch(r)
	if err != nil {
		return rest.Response{}, err
	}
	prefixes, err := b.parse()
	if err != nil {
		return rest.Response{}, err
	}
	if b.Shared.Given {
		return rest.Response{}, fault.Invalid.Errorf("cannot update read-only attribute shared")
	}
	p, err := a.networks.UpdateSubnetPool(r.Context(), network.SubnetPoolPatch{
		ID: network.SubnetPoolID(r.Param("id")), BasePatch: base, Prefixes: prefixes, MinBits: b.MinBits.Pointer(),
		MaxBits: b.MaxBits.Pointer(), DefaultBits: b.DefaultBits.Pointer(), Quota: b.limit(),
	})
	return rest.ReplyUnder("subnetpool", subnetPoolOf(r, p)), err
}
