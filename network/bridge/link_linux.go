package bridge

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// An owner is what the alias of a device says of it.
type owner struct {
	what string // "network", "port", "dhcp" or "leg"
	id   string // of the network, the port, or the router
	zone uint16 // of a network
}

func (d *Driver) alias(o owner) string {
	return fmt.Sprintf("nacre %s %s %d %s", d.cfg.Prefix, o.what, o.zone, o.id)
}

func (d *Driver) ownerOf(l netlink.Link) (owner, bool) {
	f := strings.Fields(l.Attrs().Alias)
	if len(f) != 5 || f[0] != "nacre" || f[1] != d.cfg.Prefix {
		return owner{}, false
	}
	zone, err := strconv.ParseUint(f[3], 10, 16)
	return owner{f[2], f[4], uint16(zone)}, err == nil
}

// links are the devices of the host by name.
type links map[string]netlink.Link

func (d *Driver) links() (links, error) {
	for {
		list, err := d.nl.LinkList()
		if errors.Is(err, netlink.ErrDumpInterrupted) {
			continue // somebody changed devices meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("list devices: %w", err)
		}
		byName := links{}
		for _, l := range list {
			byName[l.Attrs().Name] = l
		}
		return byName, nil
	}
}

// add notes a device that was just made.
func (d *Driver) add(have links, name string) (netlink.Link, error) {
	l, err := d.nl.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", name, err)
	}
	have[name] = l
	return l, nil
}

// remove deletes a device, which may be gone.
func (d *Driver) remove(have links, name string) error {
	l, ok := have[name]
	if !ok {
		return nil
	}
	delete(have, name)
	if err := d.nl.LinkDel(l); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove device %s: %w", name, err)
	}
	return nil
}

// makeBridge makes the bridge of s, or corrects the one that is there.
func (d *Driver) makeBridge(have links, s *segment) error {
	l, ok := have[s.bridge]
	alias := d.alias(owner{"network", s.ID, s.zone})
	if !ok {
		off := false
		sum := sha256.Sum256([]byte(s.ID))
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU, attrs.Alias = s.bridge, s.MTU, alias
		// A fixed address: else the bridge takes the lowest of its ports' and changes with them.
		attrs.HardwareAddr = append(net.HardwareAddr{0x0a}, sum[:5]...)
		// Snooping without a querier loses multicast, on which IPv6 neighbour discovery stands.
		if err := d.nl.LinkAdd(&netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &off}); err != nil {
			return fmt.Errorf("make bridge %s: %w", s.bridge, err)
		}
		var err error
		if l, err = d.add(have, s.bridge); err != nil {
			return err
		}
		if err := d.silence(l); err != nil {
			return err
		}
	}
	if err := d.adjust(l, alias, s.MTU); err != nil {
		return err
	}
	return d.up(l, true)
}

// adjust sets alias and MTU where they differ.
func (d *Driver) adjust(l netlink.Link, alias string, mtu int) error {
	if l.Attrs().Alias != alias {
		if err := d.nl.LinkSetAlias(l, alias); err != nil {
			return fmt.Errorf("alias of %s: %w", l.Attrs().Name, err)
		}
		l.Attrs().Alias = alias
	}
	if l.Attrs().MTU != mtu {
		if err := d.nl.LinkSetMTU(l, mtu); err != nil {
			return fmt.Errorf("MTU %d of %s: %w", mtu, l.Attrs().Name, err)
		}
		l.Attrs().MTU = mtu
	}
	return nil
}

func (d *Driver) up(l netlink.Link, up bool) error {
	set, isUp := d.nl.LinkSetUp, l.Attrs().Flags&net.FlagUp != 0
	if up == isUp {
		return nil
	}
	if !up {
		set = d.nl.LinkSetDown
	}
	if err := set(l); err != nil {
		return fmt.Errorf("set %s up=%t: %w", l.Attrs().Name, up, err)
	}
	return nil
}

// plug puts a device on a bridge.
func (d *Driver) plug(have links, l netlink.Link, bridge string) error {
	b, ok := have[bridge]
	if !ok {
		return fmt.Errorf("bridge %s is not there", bridge)
	}
	if l.Attrs().MasterIndex == b.Attrs().Index {
		return nil
	}
	if err := d.nl.LinkSetMaster(l, b); err != nil {
		return fmt.Errorf("put %s on %s: %w", l.Attrs().Name, bridge, err)
	}
	l.Attrs().MasterIndex = b.Attrs().Index
	return nil
}

// silence keeps the host from having an IPv6 address on a guest's wire.
func (d *Driver) silence(l netlink.Link) error {
	const none = 1 // IN6_ADDR_GEN_MODE_NONE
	if err := d.nl.LinkSetIP6AddrGenMode(l, none); err != nil && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("no IPv6 on %s: %w", l.Attrs().Name, err)
	}
	return nil
}

// trackIP makes br_netfilter look at one bridge, whatever the host's sysctl says of the others.
func (d *Driver) trackIP(bridge netlink.Link) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	req.Sockets = d.sockets
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(bridge.Attrs().Index)
	req.AddData(msg)
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("bridge"))
	data := info.AddRtAttr(nl.IFLA_INFO_DATA, nil)
	data.AddRtAttr(nl.IFLA_BR_NF_CALL_IPTABLES, []byte{1})
	data.AddRtAttr(nl.IFLA_BR_NF_CALL_IP6TABLES, []byte{1})
	req.AddData(info)
	if _, err := req.Execute(unix.NETLINK_ROUTE, 0); err != nil {
		return fmt.Errorf("br_netfilter on %s: %w", bridge.Attrs().Name, err)
	}
	return nil
}

// makeTap makes a persistent tap. The alias comes before persistence: a crash between leaves no
// device that nobody owns.
func (d *Driver) makeTap(have links, name, alias string) (netlink.Link, error) {
	var l netlink.Link
	err := within(d.host, func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open /dev/net/tun: %w", err)
		}
		defer func() { _ = unix.Close(fd) }()
		req, err := unix.NewIfreq(name)
		if err != nil {
			return fmt.Errorf("tap %s: %w", name, err)
		}
		req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR | unix.IFF_TUN_EXCL)
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
			return fmt.Errorf("make tap %s: %w", name, err)
		}
		if l, err = d.add(have, name); err != nil {
			return err
		}
		if err := d.nl.LinkSetAlias(l, alias); err != nil {
			return fmt.Errorf("alias of %s: %w", name, err)
		}
		l.Attrs().Alias = alias
		if err := unix.IoctlSetInt(fd, unix.TUNSETOWNER, int(d.cfg.TapOwner)); err != nil {
			return fmt.Errorf("owner of tap %s: %w", name, err)
		}
		if err := unix.IoctlSetInt(fd, unix.TUNSETPERSIST, 1); err != nil {
			return fmt.Errorf("keep tap %s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		delete(have, name)
		return nil, err
	}
	return l, d.silence(l)
}

// A cable joins a bridge of the host to a namespace.
type cable struct {
	host, inside string // device names
	bridge       string
	owner        owner
	mac          net.HardwareAddr // of the inside; nil: any
	mtu          int
}

// lay makes the cable into s, or corrects the one that is there, and returns its inside.
func (d *Driver) lay(have links, s *space, c cable) (netlink.Link, error) {
	inner, err := s.nl.LinkByName(c.inside)
	if _, ok := have[c.host]; !ok || err != nil {
		if err := d.remove(have, c.host); err != nil {
			return nil, err
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU = c.host, c.mtu
		veth := &netlink.Veth{LinkAttrs: attrs, PeerName: c.inside, PeerHardwareAddr: c.mac, PeerMTU: uint32(c.mtu), PeerNamespace: netlink.NsFd(s.ns)}
		if err := d.nl.LinkAdd(veth); err != nil {
			return nil, fmt.Errorf("make cable %s to %s: %w", c.host, s.name, err)
		}
		l, err := d.add(have, c.host)
		if err != nil {
			return nil, err
		}
		if err := d.silence(l); err != nil {
			return nil, err
		}
		if inner, err = s.nl.LinkByName(c.inside); err != nil {
			return nil, fmt.Errorf("device %s in %s: %w", c.inside, s.name, err)
		}
	}
	if err := d.attach(have, c); err != nil {
		return nil, err
	}
	if c.mac != nil && inner.Attrs().HardwareAddr.String() != c.mac.String() {
		if err := s.nl.LinkSetHardwareAddr(inner, c.mac); err != nil {
			return nil, fmt.Errorf("MAC %s of %s: %w", c.mac, c.inside, err)
		}
	}
	if err := errors.Join(s.nl.LinkSetMTU(inner, c.mtu), s.nl.LinkSetUp(inner)); err != nil {
		return nil, fmt.Errorf("device %s in %s: %w", c.inside, s.name, err)
	}
	return inner, nil
}

// attach keeps the host's end of a cable on its bridge.
func (d *Driver) attach(have links, c cable) error {
	l, ok := have[c.host]
	if !ok {
		return fmt.Errorf("device %s is not there", c.host)
	}
	return errors.Join(d.adjust(l, d.alias(c.owner), c.mtu), d.plug(have, l, c.bridge), d.up(l, true))
}

// thisSpace opens the namespace of the calling thread and tells its inode.
func thisSpace() (netns.NsHandle, uint64, error) {
	ns, err := netns.Get()
	if err != nil {
		return ns, 0, fmt.Errorf("open this network namespace: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(ns), &st); err != nil {
		_ = ns.Close()
		return ns, 0, fmt.Errorf("open this network namespace: %w", err)
	}
	return ns, st.Ino, nil
}
