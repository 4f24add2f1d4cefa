package bridge

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/nacre-cloud/nacre/network"
)

// mark is the bit that carries "established" from IP to the bridge family.
const mark = 0x4000_0000

// A policy is what the host's rules should say.
type policy struct {
	zones   map[string]uint16           // conntrack zone by device: bridges when IP tracks, else ports
	tracked map[string]uint16           // bridges whose connections are looked at (value unused), when IP tracks
	inside  map[string]uint16           // ports from which the host cannot be reached (value unused)
	groups  map[string][]netip.Prefix   // by id
	ports   map[string]network.HostPort // guarded ports by id
}

func (p policy) empty() bool { return len(p.zones)+len(p.tracked)+len(p.inside)+len(p.ports) == 0 }

// A firewall keeps the host's tables. It remembers what it wrote and trusts that as long as the kernel's
// generation is the one of its last commit.
type firewall struct {
	d       *Driver
	now     policy
	known   bool
	written uint32 // generation
}

// apply makes the rules so, in one batch.
func (f *firewall) apply(want policy) error {
	before, err := f.generation()
	if err != nil {
		return err
	}
	rebuild := !f.known || before != f.written
	if !rebuild && reflect.DeepEqual(f.now, want) {
		return nil
	}
	b, err := newBatch(int(f.d.host))
	if err != nil {
		return err
	}
	switch {
	case want.empty():
		b.drop(nftables.TableFamilyBridge, f.d.cfg.Prefix)
		b.drop(nftables.TableFamilyINet, f.d.cfg.Prefix)
	case rebuild || f.now.empty():
		f.change(b, f.build(b), policy{}, want)
	default:
		f.change(b, f.tables(b), f.now, want)
	}
	f.known = false
	if err := b.commit(); err != nil {
		return err
	}
	after, err := f.generation()
	if err != nil {
		return err
	}
	// Somebody else committed at the same time: look again next time.
	f.known, f.written, f.now = after == before+1, after, want
	return nil
}

// generation counts the commits to the host's rules, whoever made them.
func (f *firewall) generation() (uint32, error) {
	req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN, 0)
	req.Sockets = f.d.sockets
	req.AddData(&nl.Nfgenmsg{NfgenFamily: unix.AF_UNSPEC, Version: nl.NFNETLINK_V0})
	msgs, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	if err != nil || len(msgs) == 0 {
		return 0, fmt.Errorf("nftables generation: %w", err)
	}
	attrs, err := nl.ParseRouteAttrAsMap(msgs[0][nl.SizeofNfgenmsg:])
	if err != nil {
		return 0, fmt.Errorf("nftables generation: %w", err)
	}
	return be32(attrs[unix.NFTA_GEN_ID].Value), nil
}

// tables are handles on what build makes.
type tables struct {
	bridge, ip       *nftables.Table
	source, from, to *nftables.Set // port device → chain
	inside           *nftables.Set
	zones, tracked   *nftables.Set
}

func (f *firewall) tables(b *batch) *tables {
	t := &tables{bridge: &nftables.Table{Family: nftables.TableFamilyBridge, Name: f.d.cfg.Prefix}}
	t.fill(b, f.d.viaIP)
	return t
}

// fill names the sets. Adding a set that is there is no change.
func (t *tables) fill(b *batch, viaIP bool) {
	t.bridge = b.c.AddTable(t.bridge)
	t.source = b.set(&nftables.Set{Table: t.bridge, Name: "source", IsMap: true, KeyType: nftables.TypeIFName, KeyByteOrder: binaryutil.NativeEndian, DataType: nftables.TypeVerdict})
	t.from = b.set(&nftables.Set{Table: t.bridge, Name: "from", IsMap: true, KeyType: nftables.TypeIFName, KeyByteOrder: binaryutil.NativeEndian, DataType: nftables.TypeVerdict})
	t.to = b.set(&nftables.Set{Table: t.bridge, Name: "to", IsMap: true, KeyType: nftables.TypeIFName, KeyByteOrder: binaryutil.NativeEndian, DataType: nftables.TypeVerdict})
	t.inside = b.set(&nftables.Set{Table: t.bridge, Name: "inside", KeyType: nftables.TypeIFName, KeyByteOrder: binaryutil.NativeEndian})
	home := t.bridge
	if viaIP {
		t.ip = b.c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: t.bridge.Name})
		t.tracked = b.set(&nftables.Set{Table: t.ip, Name: "tracked", KeyType: nftables.TypeIFName, KeyByteOrder: binaryutil.NativeEndian})
		home = t.ip
	}
	zone := nftables.TypeInteger
	zone.Bytes = 2
	t.zones = b.set(&nftables.Set{Table: home, Name: "zones", IsMap: true, KeyType: nftables.TypeIFName, KeyByteOrder: binaryutil.NativeEndian, DataType: zone})
}

// build replaces the tables by new ones that know no port yet.
func (f *firewall) build(b *batch) *tables {
	b.drop(nftables.TableFamilyINet, f.d.cfg.Prefix)
	b.drop(nftables.TableFamilyBridge, f.d.cfg.Prefix)
	t := f.tables(b)
	established := connection(expr.CtKeySTATE, expr.CmpOpNeq, expr.CtStateBitESTABLISHED|expr.CtStateBitRELATED)
	setZone := exprs(&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
		&expr.Lookup{SourceRegister: 1, SetName: t.zones.Name, IsDestRegSet: true, DestRegister: 1}, &expr.Ct{Key: expr.CtKeyZONE, Register: 1, SourceRegister: true})
	if f.d.viaIP {
		// Before fragments are put together, so that those of two networks do not mix.
		b.rule(b.hook(t.ip, "zone", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, -450), setZone)
		state := b.hook(t.ip, "state", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, -150)
		b.rule(state, device(expr.MetaKeyIIFNAME, "tracked"), setMark(^uint32(mark), 0))
		b.rule(state, device(expr.MetaKeyIIFNAME, "tracked"), established, setMark(^uint32(mark), mark))
		established = exprs(&expr.Meta{Key: expr.MetaKeyMARK, Register: 1},
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: ne32(mark), Xor: ne32(0)}, compare(expr.CmpOpNeq, ne32(0)))
	} else {
		b.rule(b.hook(t.bridge, "zone", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, -300), setZone)
	}
	leavingRules(b, b.chain(t.bridge, "leaving"), established)
	enteringRules(b, b.chain(t.bridge, "entering"), established)
	// Accepting ends one base chain only: what may leave must still be allowed to enter.
	filter := nftables.ChainTypeFilter
	b.rule(b.hook(t.bridge, "spoof", filter, nftables.ChainHookPrerouting, -350), dispatch(expr.MetaKeyIIFNAME, "source"))
	b.rule(b.hook(t.bridge, "host", filter, nftables.ChainHookInput, -200), device(expr.MetaKeyIIFNAME, "inside"), drop)
	b.rule(b.hook(t.bridge, "leave", filter, nftables.ChainHookForward, 10), dispatch(expr.MetaKeyIIFNAME, "from"))
	b.rule(b.hook(t.bridge, "enter", filter, nftables.ChainHookForward, 20), dispatch(expr.MetaKeyOIFNAME, "to"))
	return t
}

// setMark computes mark = mark & mask ^ xor.
func setMark(mask, xor uint32) []expr.Any {
	return exprs(&expr.Meta{Key: expr.MetaKeyMARK, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: ne32(mask), Xor: ne32(xor)},
		&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: 1})
}

// change writes what differs between two policies. New sets and chains come before what names them, and go after.
func (f *firewall) change(b *batch, t *tables, was, want policy) {
	f.changeNames(b, t.zones, was.zones, want.zones, zoneValue)
	f.changeNames(b, t.inside, was.inside, want.inside, nil)
	if t.tracked != nil {
		f.changeNames(b, t.tracked, was.tracked, want.tracked, nil)
	}
	for _, id := range slices.Sorted(maps.Keys(want.groups)) {
		changeGroup(b, t, id, was.groups, want.groups[id])
	}
	gone := map[string]network.HostPort{}
	for id, p := range was.ports {
		if n, ok := want.ports[id]; !ok || n.Tap != p.Tap {
			gone[id] = p
			f.dispatchPort(b.erase, t, p)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(want.ports)) {
		p, old := want.ports[id], was.ports[id]
		if reflect.DeepEqual(p, old) {
			continue
		}
		f.writePort(b, t, p, old.ID != "")
		if old.Tap != p.Tap {
			f.dispatchPort(b.insert, t, p)
		}
	}
	for id := range gone {
		if _, stays := want.ports[id]; !stays {
			for _, c := range portChains(t, id) {
				b.c.FlushChain(c)
				b.c.DelChain(c)
			}
		}
	}
	for id := range was.groups {
		if _, ok := want.groups[id]; !ok {
			b.c.DelSet(groupOf(t, id, false))
			b.c.DelSet(groupOf(t, id, true))
		}
	}
}

func (f *firewall) changeNames(b *batch, s *nftables.Set, was, want map[string]uint16, value func(uint16) []byte) {
	element := func(name string, n uint16) nftables.SetElement {
		e := nftables.SetElement{Key: ifname(name)}
		if value != nil {
			e.Val = value(n)
		}
		return e
	}
	var less, more []nftables.SetElement
	for name, n := range was {
		if m, ok := want[name]; !ok || m != n {
			less = append(less, element(name, n))
		}
	}
	for name, n := range want {
		if m, ok := was[name]; !ok || m != n {
			more = append(more, element(name, n))
		}
	}
	b.erase(s, less)
	b.insert(s, more)
}

func groupOf(t *tables, id string, v6 bool) *nftables.Set {
	key := nftables.TypeIPAddr
	if v6 {
		key = nftables.TypeIP6Addr
	}
	return &nftables.Set{Table: t.bridge, Name: groupSet(id, v6), Interval: true, KeyType: key}
}

func changeGroup(b *batch, t *tables, id string, was map[string][]netip.Prefix, want []netip.Prefix) {
	old, there := was[id]
	if there && slices.Equal(old, want) {
		return
	}
	for _, v6 := range []bool{false, true} {
		s := b.set(groupOf(t, id, v6))
		less, more := intervals(old, v6), intervals(want, v6)
		if reflect.DeepEqual(less, more) {
			continue
		}
		if len(less) > 0 {
			b.c.FlushSet(s)
		}
		b.insert(s, more)
	}
}

func portChains(t *tables, id string) [3]*nftables.Chain {
	return [3]*nftables.Chain{
		{Table: t.bridge, Name: "source-" + id}, {Table: t.bridge, Name: "from-" + id}, {Table: t.bridge, Name: "to-" + id},
	}
}

func (f *firewall) dispatchPort(do func(*nftables.Set, []nftables.SetElement), t *tables, p network.HostPort) {
	for i, m := range [3]*nftables.Set{t.source, t.from, t.to} {
		do(m, []nftables.SetElement{{Key: ifname(p.Tap), VerdictData: &expr.Verdict{Kind: expr.VerdictJump, Chain: portChains(t, p.ID)[i].Name}}})
	}
}

// writePort fills the chains of a port.
func (f *firewall) writePort(b *batch, t *tables, p network.HostPort, there bool) {
	chains := portChains(t, p.ID)
	for _, c := range chains {
		b.c.AddChain(c)
		if there {
			b.c.FlushChain(c)
		}
	}
	sourceRules(b, chains[0], p)
	securityRules(b, chains[1], p, false)
	securityRules(b, chains[2], p, true)
}
