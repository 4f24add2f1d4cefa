package bridge

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"github.com/nacre-cloud/nacre/network"
)

// route keeps a namespace for each router.
func (d *Driver) route(ctx context.Context, have links, p *plan) error {
	var errs []error
	wanted := map[string]bool{}
	for _, r := range p.view.Routers {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wanted[r.ID] = true
		if err := d.router(have, p, r); err != nil {
			delete(d.routers, r.ID)
			errs = append(errs, fmt.Errorf("router %s: %w", r.ID, err))
		}
	}
	for id := range d.routers {
		if !wanted[id] {
			delete(d.routers, id)
		}
	}
	return errors.Join(errs...)
}

func (d *Driver) router(have links, p *plan, r network.HostRouter) error {
	old, known := d.routers[r.ID]
	settled := known && !d.full && reflect.DeepEqual(old, r) && isSpace(d.space("router", r.ID))
	for _, leg := range legs(r) {
		s := p.byID[leg.Network]
		l, ok := have[d.cfg.device(aLeg, leg.Port)]
		settled = settled && ok && have[s.bridge] != nil && l.Attrs().MasterIndex == have[s.bridge].Attrs().Index && l.Attrs().MTU == s.MTU
	}
	if settled {
		return nil
	}
	sp, err := openSpace(d.space("router", r.ID), map[string]string{
		// Each address is answered for on its own wire only.
		"ipv4/ip_forward": "1", "ipv4/conf/all/arp_ignore": "1", "ipv4/conf/all/arp_announce": "2",
	})
	if err != nil {
		return err
	}
	defer sp.Close()
	// Rules before wires: nothing leaves untranslated.
	if err := translate(sp, r); err != nil {
		return err
	}
	if err := d.wire(have, p, sp, r); err != nil {
		return err
	}
	if err := setRoutes(sp, r); err != nil {
		return err
	}
	if err := forgetFloating(sp, old, r); err != nil {
		return err
	}
	d.routers[r.ID] = r
	return nil
}

// insideName is what a router's namespace calls a leg.
func insideName(leg network.HostInterface) string { return "leg" + network.Tail(leg.Port) }

func (d *Driver) wire(have links, p *plan, sp *space, r network.HostRouter) error {
	wanted := map[string]bool{}
	for _, leg := range legs(r) {
		s, name := p.byID[leg.Network], insideName(leg)
		wanted[name] = true
		l, err := d.lay(have, sp, cable{host: d.cfg.device(aLeg, leg.Port), inside: name, bridge: s.bridge, owner: owner{"leg", r.ID, 0}, mac: mustMAC(leg.MAC), mtu: s.MTU})
		if err != nil {
			return err
		}
		want := slices.Clone(leg.Addresses)
		if r.Gateway != nil && leg.Port == r.Gateway.Port {
			for _, f := range r.Floating {
				want = append(want, netip.PrefixFrom(f.Address, 32))
			}
		}
		fresh, err := setAddresses(sp.nl, l, want)
		if err != nil {
			return err
		}
		l.Attrs().HardwareAddr = mustMAC(leg.MAC)
		if err := announce(sp.ns, l, fresh); err != nil {
			return err
		}
	}
	all, err := sp.nl.LinkList()
	if err != nil {
		return fmt.Errorf("list devices of %s: %w", sp.name, err)
	}
	for _, l := range all {
		if name := l.Attrs().Name; strings.HasPrefix(name, "leg") && !wanted[name] {
			if err := sp.nl.LinkDel(l); err != nil && !errors.Is(err, unix.ENODEV) {
				return fmt.Errorf("remove device %s of %s: %w", name, sp.name, err)
			}
		}
	}
	return nil
}

// setRoutes gives the namespace exactly the routes of r beside those of its addresses.
func setRoutes(sp *space, r network.HostRouter) error {
	want := map[netip.Prefix]*netlink.Route{}
	if g := r.Gateway; g != nil && g.NextHop.Is4() {
		l, err := sp.nl.LinkByName(insideName(g.HostInterface))
		if err != nil {
			return fmt.Errorf("gateway of %s: %w", sp.name, err)
		}
		all := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		want[all] = &netlink.Route{Dst: netipx.PrefixIPNet(all), Gw: g.NextHop.AsSlice(), LinkIndex: l.Attrs().Index, Flags: unix.RTNH_F_ONLINK}
	}
	for _, s := range r.Routes {
		if s.Destination.Addr().Is4() {
			want[s.Destination.Masked()] = &netlink.Route{Dst: netipx.PrefixIPNet(s.Destination.Masked()), Gw: s.NextHop.AsSlice()}
		}
	}
	have, err := sp.nl.RouteListFiltered(unix.AF_INET, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return fmt.Errorf("routes of %s: %w", sp.name, err)
	}
	var errs []error
	for _, h := range have {
		if h.Protocol == unix.RTPROT_KERNEL {
			continue
		}
		to := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if h.Dst != nil {
			to, _ = netipx.FromStdIPNet(h.Dst)
		}
		if w, ok := want[to]; ok && h.Gw.Equal(w.Gw) {
			delete(want, to)
		} else if err := sp.nl.RouteDel(&h); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("remove route to %s from %s: %w", to, sp.name, err))
		}
	}
	for to, w := range want {
		w.Protocol = unix.RTPROT_STATIC
		if err := sp.nl.RouteReplace(w); err != nil {
			errs = append(errs, fmt.Errorf("route to %s by %s: %w", to, w.Gw, err))
		}
	}
	return errors.Join(errs...)
}

// outside is the packet mark of what came in by the gateway.
const outside = 1

// translate writes the address translation of r.
func translate(sp *space, r network.HostRouter) error {
	b, err := newBatch(int(sp.ns))
	if err != nil {
		return err
	}
	t := b.table(nftables.TableFamilyIPv4, "router")
	if g := r.Gateway; g != nil {
		translateRules(b, t, r, insideName(g.HostInterface))
	}
	return b.commit()
}

func translateRules(b *batch, t *nftables.Table, r network.HostRouter, out string) {
	g := r.Gateway
	in := b.set(&nftables.Set{Table: t, Name: "floating", IsMap: true, KeyType: nftables.TypeIPAddr, DataType: nftables.TypeIPAddr})
	back := b.set(&nftables.Set{Table: t, Name: "fixed", IsMap: true, KeyType: nftables.TypeIPAddr, DataType: nftables.TypeIPAddr})
	leaving := map[netip.Addr]bool{} // a fixed address leaves with one of its floating ones
	for _, f := range r.Floating {
		b.insert(in, []nftables.SetElement{{Key: f.Address.AsSlice(), Val: f.Fixed.AsSlice()}})
		if !leaving[f.Fixed] {
			leaving[f.Fixed] = true
			b.insert(back, []nftables.SetElement{{Key: f.Fixed.AsSlice(), Val: f.Address.AsSlice()}})
		}
	}
	const dnat = 1 << 5 // IPS_DST_NAT
	isOut, isIn := isDevice(expr.MetaKeyOIFNAME, expr.CmpOpEq, out), isDevice(expr.MetaKeyOIFNAME, expr.CmpOpNeq, out)
	translated, direct := connection(expr.CtKeySTATUS, expr.CmpOpNeq, dnat), connection(expr.CtKeySTATUS, expr.CmpOpEq, dnat)
	fromOutside := exprs(&expr.Meta{Key: expr.MetaKeyMARK, Register: 1}, compare(expr.CmpOpNeq, ne32(outside)))
	direct[len(direct)-1] = compare(expr.CmpOpEq, ne32(0))

	b.rule(b.hook(t, "arrive", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, -150),
		isDevice(expr.MetaKeyIIFNAME, expr.CmpOpEq, out), exprs(&expr.Immediate{Register: 1, Data: ne32(outside)},
			&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: 1}))
	b.rule(b.hook(t, "in", nftables.ChainTypeNAT, nftables.ChainHookPrerouting, -100), lookupAddress(16, in.Name, expr.NATTypeDestNAT))

	post := b.hook(t, "out", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, 100)
	own := exprs(&expr.Immediate{Register: 1, Data: g.Addresses[0].Addr().AsSlice()}, &expr.NAT{Type: expr.NATTypeSourceNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: 1})
	b.rule(post, isOut, lookupAddress(12, back.Name, expr.NATTypeSourceNAT))
	// Between two guests of the router, by a floating address: answers must come back here.
	b.rule(post, isIn, translated, fromOutside, lookupAddress(12, back.Name, expr.NATTypeSourceNAT))
	b.rule(post, isIn, translated, fromOutside, own)
	if g.SNAT {
		b.rule(post, isOut, own)
		fw := b.hook(t, "forward", nftables.ChainTypeFilter, nftables.ChainHookForward, 0)
		b.rule(fw, isDevice(expr.MetaKeyIIFNAME, expr.CmpOpEq, out), isIn,
			connection(expr.CtKeySTATE, expr.CmpOpEq, expr.CtStateBitESTABLISHED|expr.CtStateBitRELATED), direct, drop)
	}
}

// lookupAddress translates an address of the header to what a map has for it.
func lookupAddress(offset uint32, m string, kind expr.NATType) []expr.Any {
	return exprs(&expr.Payload{DestRegister: 1, Base: inner, Offset: offset, Len: 4},
		&expr.Lookup{SourceRegister: 1, DestRegister: 1, IsDestRegSet: true, SetName: m}, &expr.NAT{Type: kind, Family: unix.NFPROTO_IPV4, RegAddrMin: 1})
}
