package bridge

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

// Driver carries networks on the host whose network namespace it was opened in.
type Driver struct {
	cfg     Config
	host    netns.NsHandle
	spaces  string                   // how names of our namespaces begin
	nl      *netlink.Handle          // in host
	sockets map[int]*nl.SocketHandle // in host, for requests that nl has no method for

	mu       sync.Mutex
	probed   bool
	viaIP    bool // connections are tracked by br_netfilter
	tracked  map[int]bool
	fw       firewall
	last     network.View // in force, unless full
	full     bool         // compare everything
	checked  time.Time    // when everything was last compared
	segments map[string]*server
	routers  map[string]network.HostRouter // in force
}

// Open returns a driver for the network namespace of the calling thread. It changes nothing there
// before the first Apply. Errors: fault.Invalid, fault.Unavailable.
func Open(cfg Config) (*Driver, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	d := &Driver{cfg: cfg, full: true, tracked: map[int]bool{}, segments: map[string]*server{}, routers: map[string]network.HostRouter{}}
	d.fw.d = d
	host, inode, err := thisSpace()
	if err != nil {
		return nil, fault.Unavailable.Wrap(err, "bridge networks")
	}
	d.host, d.spaces = host, fmt.Sprintf("%s-%d-", cfg.Prefix, inode)
	if d.nl, err = netlink.NewHandleAt(host, unix.NETLINK_ROUTE, unix.NETLINK_NETFILTER); err != nil {
		return nil, fault.Unavailable.Wrap(err, "bridge networks")
	}
	d.sockets = map[int]*nl.SocketHandle{}
	for _, family := range []int{unix.NETLINK_ROUTE, unix.NETLINK_NETFILTER} {
		s, err := nl.GetNetlinkSocketAt(host, netns.None(), family)
		if err != nil {
			return nil, fault.Unavailable.Wrap(err, "bridge networks")
		}
		d.sockets[family] = &nl.SocketHandle{Socket: s}
	}
	return d, nil
}

// Close stops DHCP and metadata and leaves the networks as they are. The driver is of no use afterwards.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.segments == nil {
		return nil
	}
	for _, s := range d.segments {
		s.stop()
	}
	d.segments = nil
	d.nl.Close()
	for _, s := range d.sockets {
		s.Close()
	}
	if err := d.host.Close(); err != nil {
		return fault.Internal.Wrap(err, "close the bridge driver")
	}
	return nil
}

// Apply makes the host carry view and nothing else.
func (d *Driver) Apply(ctx context.Context, view network.View) error {
	if err := view.Check(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.segments == nil {
		return fault.Unavailable.Errorf("the bridge driver is closed")
	}
	if err := d.probe(); err != nil {
		return err
	}
	view = view.Clone() // kept beyond this call
	now := time.Now()
	d.full = d.full || now.Sub(d.checked) > d.cfg.Recheck
	err := d.apply(ctx, view)
	if err == nil && d.full {
		d.checked = now
	}
	d.full = err != nil
	return fault.Unavailable.Wrap(err, "carry networks")
}

func (d *Driver) apply(ctx context.Context, view network.View) error {
	have, err := d.links()
	if err != nil {
		return err
	}
	p, err := d.plan(view, have)
	if err != nil {
		return err
	}
	// Fail closed: taps without a place go before their rules, and come after.
	errs := []error{d.unplug(have, p)}
	if err := d.fw.apply(p.policy()); err != nil {
		return errors.Join(append(errs, err)...)
	}
	steps := []func(context.Context, links, *plan) error{d.bridges, d.ports, d.serve, d.route, d.sweep}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
		errs = append(errs, step(ctx, have, p))
	}
	errs = append(errs, d.forget(d.last, view))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	d.last = view
	return nil
}

// probe finds out how this kernel tracks the connections of bridged frames.
func (d *Driver) probe() error {
	if d.probed {
		return nil
	}
	name := d.cfg.Prefix + "-probe"
	b, err := newBatch(int(d.host))
	if err != nil {
		return fault.Unavailable.Wrap(err, "carry networks")
	}
	t := b.c.AddTable(&nftables.Table{Family: nftables.TableFamilyBridge, Name: name})
	b.rule(b.chain(t, "probe"), connection(expr.CtKeySTATE, expr.CmpOpNeq, expr.CtStateBitESTABLISHED))
	b.c.DelTable(t)
	switch err := b.commit(); {
	case err == nil:
	case errors.Is(err, unix.EPERM):
		return fault.Unsupported.Wrap(err, "carry networks: root is needed")
	default:
		d.viaIP = true
		err := within(d.host, func() error {
			_, err := os.Stat("/proc/sys/net/bridge/bridge-nf-call-iptables")
			return err
		})
		if err != nil {
			return fault.Unsupported.Wrap(err, "security groups need the kernel module nf_conntrack_bridge or br_netfilter")
		}
	}
	d.probed = true
	return nil
}

// unplug removes taps of ports that are gone or have another device now.
func (d *Driver) unplug(have links, p *plan) error {
	var errs []error
	for name, l := range have {
		if o, ours := d.ownerOf(l); ours && o.what == "port" && p.taps[name] != o.id {
			errs = append(errs, d.remove(have, name))
		}
	}
	return errors.Join(errs...)
}

func (d *Driver) bridges(_ context.Context, have links, p *plan) error {
	var errs []error
	for _, s := range p.segments {
		if s.foreign {
			if _, ok := have[s.bridge]; !ok {
				errs = append(errs, fmt.Errorf("network %s: the operator's bridge %s is not there", s.ID, s.bridge))
				continue
			}
		} else if err := d.makeBridge(have, s); err != nil {
			errs = append(errs, fmt.Errorf("network %s: %w", s.ID, err))
			continue
		}
		if err := d.settle(have[s.bridge], s); err != nil {
			errs = append(errs, fmt.Errorf("network %s: %w", s.ID, err))
		}
	}
	return errors.Join(errs...)
}

// settle makes the kernel look at the frames of a bridge, and gives the host its addresses on an isolated external network.
func (d *Driver) settle(l netlink.Link, s *segment) error {
	if index := l.Attrs().Index; s.tracked && d.viaIP && (d.full || !d.tracked[index]) {
		if err := d.trackIP(l); err != nil {
			return err
		}
		d.tracked[index] = true
	}
	if s.foreign {
		return nil
	}
	var want []netip.Prefix
	if s.External {
		for _, n := range s.Subnets {
			if n.Gateway.IsValid() {
				want = append(want, netip.PrefixFrom(n.Gateway, n.CIDR.Bits()))
			}
		}
	} else if !d.full {
		return nil
	}
	_, err := setAddresses(d.nl, l, want)
	return err
}

func (d *Driver) ports(ctx context.Context, have links, p *plan) error {
	var errs []error
	for _, port := range p.view.Ports {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := d.port(have, port, p.byID[port.Network]); err != nil {
			errs = append(errs, fmt.Errorf("port %s: %w", port.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (d *Driver) port(have links, port network.HostPort, s *segment) error {
	alias := d.alias(owner{"port", port.ID, 0})
	l, ok := have[port.Tap]
	if !ok {
		var err error
		if l, err = d.makeTap(have, port.Tap, alias); err != nil {
			return err
		}
	}
	if l.Type() != "tuntap" {
		return fmt.Errorf("device %s is not a tap but a %s", port.Tap, l.Type())
	}
	return errors.Join(d.adjust(l, alias, s.MTU), d.plug(have, l, s.bridge), d.up(l, !port.Down))
}

// sweep removes what the driver made and the plan does not have.
func (d *Driver) sweep(_ context.Context, have links, p *plan) error {
	var errs []error
	for name := range have {
		if d.madeHere(have[name]) && !p.devices[name] {
			errs = append(errs, d.remove(have, name))
		}
	}
	names, err := spacesWith(d.spaces)
	errs = append(errs, err)
	for _, name := range names {
		if !p.spaces[name] {
			errs = append(errs, dropSpace(name))
		}
	}
	return errors.Join(errs...)
}

// madeHere tells our bridges and cables by their names. Taps are told by their alias.
func (d *Driver) madeHere(l netlink.Link) bool {
	name, kind := l.Attrs().Name, l.Type()
	if !strings.HasPrefix(name, d.cfg.Prefix) || len(name) == len(d.cfg.Prefix) {
		return false
	}
	switch name[len(d.cfg.Prefix)] {
	case aBridge:
		return kind == "bridge"
	case aServer, aLeg:
		return kind == "veth"
	}
	return false
}

// List looks at devices and namespaces.
func (d *Driver) List(context.Context) (network.Carried, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	have, err := d.links()
	if err != nil {
		return network.Carried{}, fault.Unavailable.Wrap(err, "list networks")
	}
	names, err := spacesWith(d.spaces)
	if err != nil {
		return network.Carried{}, fault.Unavailable.Wrap(err, "list networks")
	}
	c := network.Carried{}
	for _, name := range names {
		if what, id, _ := strings.Cut(strings.TrimPrefix(name, d.spaces), "-"); what == "router" && isSpace(name) {
			c.Routers = append(c.Routers, id)
		}
	}
	for _, l := range have {
		if o, ours := d.ownerOf(l); ours && o.what == "network" {
			c.Networks = append(c.Networks, o.id)
		}
	}
	for name, l := range have {
		o, ours := d.ownerOf(l)
		switch {
		case ours && o.what == "port" && l.Attrs().MasterIndex != 0:
			c.Ports = append(c.Ports, o.id)
		case ours && (o.what == "network" || o.what == "dhcp" || o.what == "leg") && slices.Contains(slices.Concat(c.Networks, c.Routers), o.id):
		case ours || d.madeHere(l):
			c.Leftovers = append(c.Leftovers, name)
		}
	}
	for _, name := range names {
		if _, id, _ := strings.Cut(strings.TrimPrefix(name, d.spaces), "-"); !slices.Contains(slices.Concat(c.Networks, c.Routers), id) {
			c.Leftovers = append(c.Leftovers, name)
		}
	}
	for _, ids := range [][]string{c.Networks, c.Ports, c.Routers, c.Leftovers} {
		slices.Sort(ids)
	}
	return c, nil
}

var _ network.Driver = (*Driver)(nil)
