package bridge

import (
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/nacre-cloud/nacre/network"
)

// metadata is where guests look for their metadata.
var metadata = netip.MustParseAddr("169.254.169.254")

// A lease is what DHCP tells one MAC.
type lease struct {
	addr    netip.Addr
	server  netip.Addr
	options []dhcpv4.Option
}

// leases are the answers for the ports of one network, by MAC as bytes.
type leases map[[6]byte]lease

func (d *Driver) leasesOf(s *segment, ports []network.HostPort) leases {
	out := leases{}
	for _, p := range ports {
		if p.Network != s.ID {
			continue
		}
		if l, ok := d.leaseOf(s, p); ok {
			out[[6]byte(mustMAC(p.MAC))] = l
		}
	}
	return out
}

// leaseOf gives a port its first address in a subnet that has DHCP.
func (d *Driver) leaseOf(s *segment, p network.HostPort) (lease, bool) {
	for _, a := range p.Addresses {
		for _, n := range s.Subnets {
			if a.Is4() && n.DHCP.Is4() && n.CIDR.Contains(a) {
				return lease{a, n.DHCP, d.options(s, n, p.Hostname)}, true
			}
		}
	}
	return lease{}, false
}

func (d *Driver) options(s *segment, n network.HostSubnet, hostname string) []dhcpv4.Option {
	o := []dhcpv4.Option{
		dhcpv4.OptServerIdentifier(n.DHCP.AsSlice()),
		dhcpv4.OptIPAddressLeaseTime(d.cfg.Lease.Round(time.Second)),
		dhcpv4.OptSubnetMask(net.CIDRMask(n.CIDR.Bits(), 32)),
		dhcpv4.OptGeneric(dhcpv4.OptionInterfaceMTU, binary.BigEndian.AppendUint16(nil, uint16(s.MTU))),
	}
	routes := dhcpv4.Routes{way(netip.PrefixFrom(metadata, 32), n.DHCP)}
	for _, r := range n.Routes {
		if r.Destination.Addr().Is4() && r.NextHop.Is4() {
			routes = append(routes, way(r.Destination, r.NextHop))
		}
	}
	if n.Gateway.Is4() {
		o = append(o, dhcpv4.OptRouter(n.Gateway.AsSlice()))
		// Who takes option 121 must ignore option 3.
		routes = append(routes, way(netip.PrefixFrom(netip.IPv4Unspecified(), 0), n.Gateway))
	}
	o = append(o, dhcpv4.OptClasslessStaticRoute(routes...))
	servers := n.DNS
	if len(servers) == 0 {
		servers = d.cfg.DNS
	}
	var dns []net.IP
	for _, a := range servers {
		if a.Is4() {
			dns = append(dns, a.AsSlice())
		}
	}
	if len(dns) > 0 {
		o = append(o, dhcpv4.OptDNS(dns...))
	}
	if hostname != "" {
		o = append(o, dhcpv4.OptHostName(hostname))
	}
	return o
}

func way(to netip.Prefix, by netip.Addr) *dhcpv4.Route {
	return &dhcpv4.Route{Dest: &net.IPNet{IP: to.Masked().Addr().AsSlice(), Mask: net.CIDRMask(to.Bits(), 32)}, Router: by.AsSlice()}
}

// answer is the reply to one DHCP message, or nil.
func (t leases) answer(m *dhcpv4.DHCPv4) *dhcpv4.DHCPv4 {
	if m.OpCode != dhcpv4.OpcodeBootRequest || len(m.ClientHWAddr) != 6 {
		return nil
	}
	l, known := t[[6]byte(m.ClientHWAddr)]
	if !known {
		return nil
	}
	if id := m.ServerIdentifier(); id != nil && !id.Equal(l.server.AsSlice()) {
		return nil // to another server
	}
	kind := dhcpv4.MessageTypeAck
	switch m.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		kind = dhcpv4.MessageTypeOffer
	case dhcpv4.MessageTypeRequest:
		asked := m.RequestedIPAddress()
		if asked == nil {
			asked = m.ClientIPAddr
		}
		if !asked.Equal(l.addr.AsSlice()) {
			kind = dhcpv4.MessageTypeNak
		}
	case dhcpv4.MessageTypeInform:
	default:
		return nil
	}
	return l.reply(m, kind)
}

func (l lease) reply(m *dhcpv4.DHCPv4, kind dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	r, err := dhcpv4.NewReplyFromRequest(m, dhcpv4.WithMessageType(kind))
	if err != nil {
		return nil
	}
	if kind == dhcpv4.MessageTypeNak {
		r.UpdateOption(dhcpv4.OptServerIdentifier(l.server.AsSlice()))
		return r
	}
	r.ServerIPAddr = l.server.AsSlice()
	for _, o := range l.options {
		r.UpdateOption(o)
	}
	if m.MessageType() == dhcpv4.MessageTypeInform {
		r.ClientIPAddr = m.ClientIPAddr
		r.DeleteOption(dhcpv4.OptionIPAddressLeaseTime)
		return r
	}
	r.YourIPAddr = l.addr.AsSlice()
	return r
}
