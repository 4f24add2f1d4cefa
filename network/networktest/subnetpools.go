package networktest

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range texts {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func subnetPools(t *testing.T, w world) {
	p := got(w.CreateSubnetPool(member(t), network.SubnetPoolSpec{
		Base: network.Base{Name: "pool", Tags: []string{"a"}}, Prefixes: prefixes("10.0.1.0/24", "10.0.0.0/24", "10.9.0.0/24"), MinBits: 24, DefaultBits: 25,
	}))(t)
	if !slices.Equal(p.Prefixes, prefixes("10.0.0.0/23", "10.9.0.0/24")) || p.MaxBits != 32 || p.ProjectID != "p1" || p.Shared {
		t.Errorf("%+v", p)
	}
	if again := got(w.CreateSubnetPool(member(t), network.SubnetPoolSpec{ID: p.ID, Prefixes: p.Prefixes}))(t); again.Name != "pool" {
		t.Errorf("created twice: %+v", again)
	}
	for name, s := range map[string]network.SubnetPoolSpec{
		"no prefix":           {},
		"two IP versions":     {Prefixes: prefixes("10.0.0.0/24", "fd00::/48")},
		"lengths that cross":  {Prefixes: prefixes("10.0.0.0/24"), MinBits: 26, MaxBits: 25},
		"a default beyond":    {Prefixes: prefixes("10.0.0.0/24"), MinBits: 26, DefaultBits: 24},
		"longer than address": {Prefixes: prefixes("10.0.0.0/24"), MaxBits: 64},
	} {
		_, err := w.CreateSubnetPool(member(t), s)
		is(t, name, err, fault.Invalid)
	}
	_, err := w.CreateSubnetPool(member(t), network.SubnetPoolSpec{Prefixes: prefixes("10.0.0.0/24"), Shared: true})
	is(t, "a member's shared pool", err, fault.Forbidden)
	_, err = w.SubnetPool(stranger(t), p.ID)
	is(t, "another project's pool", err, fault.NotFound)
	name, longest := "renamed", 28
	p = got(w.UpdateSubnetPool(member(t), network.SubnetPoolPatch{
		ID: p.ID, BasePatch: network.BasePatch{Name: &name}, MaxBits: &longest, Prefixes: prefixes("10.0.0.0/22", "10.9.0.0/24"),
	}))(t)
	if read := got(w.SubnetPool(member(t), p.ID))(t); read.Name != name || read.MaxBits != 28 || len(read.Prefixes) != 2 || read.DefaultBits != 25 {
		t.Errorf("%+v", read)
	}
	_, err = w.UpdateSubnetPool(member(t), network.SubnetPoolPatch{ID: p.ID, Prefixes: prefixes("10.0.0.0/22")})
	is(t, "prefixes that would go", err, fault.Invalid)
	is(t, "a stranger's deletion", w.DeleteSubnetPool(stranger(t), p.ID), fault.NotFound)
	must(t, w.DeleteSubnetPool(member(t), p.ID))
	is(t, "delete again", w.DeleteSubnetPool(member(t), p.ID), fault.NotFound)
}

// cut makes a network and a subnet of a pool.
func (w world) cut(t *testing.T, s network.SubnetSpec) (network.Subnet, error) {
	t.Helper()
	n := got(w.CreateNetwork(member(t), network.Spec{}))(t)
	s.NetworkID = n.ID
	return w.CreateSubnet(member(t), s)
}

func subnetsOfPools(t *testing.T, w world) {
	p := got(w.CreateSubnetPool(admin(t), network.SubnetPoolSpec{Prefixes: prefixes("10.0.0.0/24"), MinBits: 24, MaxBits: 28, DefaultBits: 26, Shared: true}))(t)
	first := got(w.cut(t, network.SubnetSpec{SubnetPoolID: p.ID}))(t)
	if first.CIDR.Bits() != 26 || !p.Prefixes[0].Overlaps(first.CIDR) || first.SubnetPoolID != p.ID || first.Gateway.Addr != first.CIDR.Addr().Next() {
		t.Errorf("%+v", first)
	}
	chosen := got(w.cut(t, network.SubnetSpec{SubnetPoolID: p.ID, CIDR: netip.MustParsePrefix("10.0.0.192/26")}))(t)
	small := got(w.cut(t, network.SubnetSpec{SubnetPoolID: p.ID, Bits: 28}))(t)
	if small.CIDR.Overlaps(first.CIDR) || small.CIDR.Overlaps(chosen.CIDR) {
		t.Errorf("%s, %s and %s overlap", first.CIDR, chosen.CIDR, small.CIDR)
	}
	for what, c := range map[string]struct {
		spec network.SubnetSpec
		want error
	}{
		"what is taken":       {network.SubnetSpec{CIDR: netip.MustParsePrefix("10.0.0.192/27")}, network.ErrNoPrefix},
		"outside of the pool": {network.SubnetSpec{CIDR: netip.MustParsePrefix("10.1.0.0/26")}, network.ErrNoPrefix},
		"too much":            {network.SubnetSpec{Bits: 25}, network.ErrNoPrefix},
		"too large":           {network.SubnetSpec{Bits: 23}, fault.Invalid},
		"too small":           {network.SubnetSpec{Bits: 29}, fault.Invalid},
	} {
		c.spec.SubnetPoolID = p.ID
		_, err := w.cut(t, c.spec)
		is(t, what, err, c.want)
	}
	_, err := w.cut(t, network.SubnetSpec{Bits: 26})
	is(t, "a length without a pool", err, fault.Invalid)
	_, err = w.cut(t, network.SubnetSpec{SubnetPoolID: "none"})
	is(t, "an unknown pool", err, fault.NotFound)
	_, err = w.CreateSubnet(member(t), network.SubnetSpec{NetworkID: first.NetworkID, CIDR: netip.MustParsePrefix("10.7.0.0/24")})
	is(t, "a subnet of another origin on the same network", err, fault.Invalid)
	where := map[string][]string{"subnetpool_id": {string(p.ID)}}
	if of := got(w.Subnets(member(t), network.Query{Where: where}))(t); len(of.Items) != 3 {
		t.Errorf("%d subnets are of the pool", len(of.Items))
	}
	is(t, "delete a pool in use", w.DeleteSubnetPool(admin(t), p.ID), network.ErrInUse)
	is(t, "delete what is only shared", w.DeleteSubnetPool(member(t), p.ID), fault.Forbidden)
	must(t, w.DeleteSubnet(member(t), first.ID))
	got(w.cut(t, network.SubnetSpec{SubnetPoolID: p.ID}))(t) // its range is free again
}

func subnetPoolRace(t *testing.T, w world) {
	limit := int64(64)
	p := got(w.CreateSubnetPool(member(t), network.SubnetPoolSpec{Prefixes: prefixes("10.0.0.0/24"), MinBits: 28, Quota: &limit}))(t)
	type outcome struct {
		cidr netip.Prefix
		err  error
	}
	outcomes := make(chan outcome)
	for i := range 8 {
		n := got(w.CreateNetwork(member(t), network.Spec{Base: network.Base{Name: fmt.Sprint(i)}}))(t)
		go func() {
			s, err := w.CreateSubnet(member(t), network.SubnetSpec{NetworkID: n.ID, SubnetPoolID: p.ID})
			outcomes <- outcome{s.CIDR, err}
		}()
	}
	var made []netip.Prefix
	for range 8 {
		o := <-outcomes
		if o.err != nil {
			is(t, "above the quota", o.err, fault.OverQuota)
			continue
		}
		if slices.ContainsFunc(made, o.cidr.Overlaps) {
			t.Errorf("%s was given twice: %s", o.cidr, made)
		}
		made = append(made, o.cidr)
	}
	if len(made) != 4 {
		t.Errorf("%d ranges of 16 addresses, the quota is 64", len(made))
	}
}
