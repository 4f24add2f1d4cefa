package bridge

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/nacre-cloud/nacre/network"
)

const (
	link      = expr.PayloadBaseLLHeader
	inner     = expr.PayloadBaseNetworkHeader
	transport = expr.PayloadBaseTransportHeader
)

// etherType reads the frame itself: the kernel's idea of a packet's protocol has looked through VLAN tags.
func etherType(t uint16) []expr.Any { return field(link, 12, expr.CmpOpEq, be16(t)) }

var (
	isARP = etherType(unix.ETH_P_ARP)
	is4   = etherType(unix.ETH_P_IP)
	is6   = etherType(unix.ETH_P_IPV6)
)

func fromMAC(mac net.HardwareAddr) []expr.Any { return field(link, 6, expr.CmpOpEq, mac) }

// A sender is one MAC and address that a port may speak for.
type sender struct {
	mac  net.HardwareAddr
	addr netip.Prefix
}

func senders(p network.HostPort) []sender {
	own := mustMAC(p.MAC)
	out := []sender{{own, netip.PrefixFrom(linkLocal(own), 128)}}
	for _, a := range p.Addresses {
		out = append(out, sender{own, netip.PrefixFrom(a, a.BitLen())})
	}
	for _, pair := range p.Pairs {
		s := sender{own, pair.Address.Masked()}
		if pair.MAC != "" {
			s.mac = mustMAC(pair.MAC)
			out = append(out, sender{s.mac, netip.PrefixFrom(linkLocal(s.mac), 128)})
		}
		out = append(out, s)
	}
	return out
}

// mustMAC parses what View.Check has seen.
func mustMAC(s string) net.HardwareAddr {
	mac, err := net.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return mac
}

// linkLocal is the address that IPv6 makes of a MAC (EUI-64).
func linkLocal(mac net.HardwareAddr) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: mac[0] ^ 2, 9: mac[1], 10: mac[2], 11: 0xff, 12: 0xfe, 13: mac[3], 14: mac[4], 15: mac[5]})
}

// sourceRules accept what p may send as, and drop the rest before the bridge learns from it.
func sourceRules(b *batch, c *nftables.Chain, p network.HostPort) {
	own, all := mustMAC(p.MAC), senders(p)
	zero4, zero6 := make([]byte, 4), make([]byte, 16)
	// DHCP answers whom the message names (offset 28), not who sent it.
	b.rule(c, is4, udp(68, 67), field(transport, 8+28, expr.CmpOpNeq, own), drop)
	// Before it has an address: DHCP, ARP probes, duplicate address detection.
	b.rule(c, fromMAC(own), is4, field(inner, 12, expr.CmpOpEq, zero4), udp(68, 67), accept)
	// From here on ARP is Ethernet and IPv4, and names the MAC that the frame has.
	b.rule(c, isARP, field(inner, 4, expr.CmpOpNeq, []byte{6, 4}), drop)
	b.rule(c, fromMAC(own), isARP, field(inner, 8, expr.CmpOpEq, own), field(inner, 14, expr.CmpOpEq, zero4), accept)
	b.rule(c, fromMAC(own), is6, field(inner, 8, expr.CmpOpEq, zero6), protocol(unix.IPPROTO_ICMPV6), accept)
	// A neighbour advertisement speaks for its target, not for its sender.
	foreign := slices.Concat(is6, icmp6(136, 136))
	for _, s := range all {
		if s.addr.Addr().Is6() {
			foreign = append(foreign, prefix(transport, 8, expr.CmpOpNeq, s.addr)...)
		}
	}
	b.rule(c, foreign, drop)
	for _, s := range all {
		if s.addr.Addr().Is6() {
			b.rule(c, fromMAC(s.mac), is6, prefix(inner, 8, expr.CmpOpEq, s.addr), accept)
			continue
		}
		b.rule(c, fromMAC(s.mac), is4, prefix(inner, 12, expr.CmpOpEq, s.addr), accept)
		b.rule(c, fromMAC(s.mac), isARP, field(inner, 8, expr.CmpOpEq, s.mac), prefix(inner, 14, expr.CmpOpEq, s.addr), accept)
	}
	b.rule(c, drop)
}

// leavingRules are what all guarded ports have in common on the way out: neither DHCP servers nor
// routers, and what needs no security group. They see whole packets; a guard that sees fragments can be evaded.
func leavingRules(b *batch, c *nftables.Chain, established []expr.Any) {
	b.rule(c, is4, udp(67, 68), drop)
	b.rule(c, is6, udp(547, 546), drop)
	b.rule(c, is6, icmp6(134, 134), drop) // router advertisement
	b.rule(c, is6, icmp6(137, 137), drop) // redirect
	b.rule(c, established, accept)
	b.rule(c, isARP, accept)
	b.rule(c, is4, udp(68, 67), accept)
	b.rule(c, is6, udp(546, 547), accept)
	b.rule(c, is6, icmp6(130, 136), accept) // multicast listeners, neighbour discovery
	b.rule(c, is6, icmp6(143, 143), accept)
}

// enteringRules are the same on the way in.
func enteringRules(b *batch, c *nftables.Chain, established []expr.Any) {
	b.rule(c, established, accept)
	b.rule(c, isARP, accept)
	b.rule(c, is4, udp(67, 68), accept)
	b.rule(c, is6, udp(547, 546), accept)
	b.rule(c, is6, icmp6(130, 136), accept)
}

// securityRules accept what the security groups of p let through one way, and drop the rest.
func securityRules(b *batch, c *nftables.Chain, p network.HostPort, ingress bool) {
	if ingress {
		others := field(link, 0, expr.CmpOpNeq, mustMAC(p.MAC))
		for _, pair := range p.Pairs {
			if pair.MAC != "" {
				others = append(others, field(link, 0, expr.CmpOpNeq, mustMAC(pair.MAC))...)
			}
		}
		// The bridge floods what it has not learnt; unicast for others is none of p's business.
		unicast := exprs(&expr.Payload{DestRegister: 1, Base: link, Offset: 0, Len: 1},
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{1}, Xor: []byte{0}}, compare(expr.CmpOpEq, []byte{0}))
		b.rule(c, unicast, others, drop)
		b.rule(c, jump("entering"))
	} else {
		b.rule(c, jump("leaving"))
	}
	for _, r := range p.Rules {
		if r.Ingress == ingress {
			b.rule(c, match(r), accept)
		}
	}
	b.rule(c, drop)
}

func match(r network.HostRule) []expr.Any {
	e, at, bytes := slices.Clone(is4), uint32(16), uint32(4)
	if r.Ingress {
		at = 12
	}
	if r.IPv6 {
		e, at, bytes = slices.Clone(is6), 24, 16
		if r.Ingress {
			at = 8
		}
	}
	if r.Remote.IsValid() {
		e = append(e, prefix(inner, at, expr.CmpOpEq, r.Remote)...)
	}
	if r.Group != "" {
		e = append(e, &expr.Payload{DestRegister: 1, Base: inner, Offset: at, Len: bytes},
			&expr.Lookup{SourceRegister: 1, SetName: groupSet(r.Group, r.IPv6)})
	}
	if r.Proto != 0 {
		e = append(e, protocol(r.Proto)...)
	}
	switch r.Proto {
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_UDPLITE, unix.IPPROTO_SCTP, unix.IPPROTO_DCCP:
		if r.To != 0 {
			e = append(e, portRange(2, r.From, r.To)...)
		}
	case unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6:
		if r.ICMPType != nil {
			e = append(e, field(transport, 0, expr.CmpOpEq, []byte{*r.ICMPType})...)
		}
		if r.ICMPCode != nil {
			e = append(e, field(transport, 1, expr.CmpOpEq, []byte{*r.ICMPCode})...)
		}
	}
	return e
}

func groupSet(id string, v6 bool) string {
	if v6 {
		return "group6-" + id
	}
	return "group4-" + id
}

// zoneValue is a zone as the kernel reads it from the first half of a register.
func zoneValue(zone uint16) []byte { return binary.NativeEndian.AppendUint16(nil, zone) }
