package bridge_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nacre-cloud/nacre/network"
)

func ether(to, from net.HardwareAddr, kind uint16, payload []byte) []byte {
	return slices.Concat([]byte(to), []byte(from), binary.BigEndian.AppendUint16(nil, kind), payload)
}

func sum(b []byte) uint16 {
	var n uint32
	for i := 0; i+1 < len(b); i += 2 {
		n += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for n > 0xffff {
		n = n>>16 + n&0xffff
	}
	return ^uint16(n)
}

func datagram(from, to string, source, destination uint16) []byte {
	b := slices.Concat([]byte{0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0}, net.ParseIP(from).To4(), net.ParseIP(to).To4(),
		binary.BigEndian.AppendUint16(nil, source), binary.BigEndian.AppendUint16(nil, destination), []byte{0, 16, 0, 0}, []byte("testtest"))
	binary.BigEndian.PutUint16(b[10:], sum(b[:20]))
	return b
}

// icmp6 is an ICMPv6 message with its checksum.
func icmp6(from, to string, kind byte, body []byte) []byte {
	body = append([]byte{kind, 0, 0, 0}, body...)
	size := []byte{0, 0, 0, byte(len(body))}
	pseudo := slices.Concat(net.ParseIP(from).To16(), net.ParseIP(to).To16(), size, []byte{0, 0, 0, 58}, body)
	binary.BigEndian.PutUint16(body[2:], sum(pseudo))
	return slices.Concat([]byte{0x60, 0, 0, 0, 0, byte(len(body)), 58, 255}, net.ParseIP(from).To16(), net.ParseIP(to).To16(), body)
}

func arp(mac net.HardwareAddr, ip string) []byte {
	who := slices.Concat([]byte(mac), net.ParseIP(ip).To4())
	return slices.Concat([]byte{0, 1, 8, 0, 6, 4, 0, 2}, who, who)
}

func TestNobodySpeaksForAnother(t *testing.T) {
	w := leased(t)
	w.view.Ports[0].Rules = []network.HostRule{{Ingress: true}, {Ingress: true, IPv6: true}}
	w.view.Ports[1].Rules = []network.HostRule{{}, {IPv6: true}}
	w.view.Ports[1].Pairs = []network.AddressPair{{Address: netip.MustParsePrefix("10.0.0.128/25"), MAC: "fa:16:3e:00:00:ab"}}
	w.apply()
	to, me := macOf(w.one.port), macOf(w.two.port)
	stranger, pair := net.HardwareAddr{0xfa, 0x16, 0x3e, 9, 9, 9}, net.HardwareAddr{0xfa, 0x16, 0x3e, 0, 0, 0xab}
	const ll, other6, all = "fe80::f816:3eff:fe00:a2", "fe80::f816:3eff:fe00:a9", "ff02::1"
	na := func(target string) []byte { return slices.Concat([]byte{0x20, 0, 0, 0}, net.ParseIP(target).To16()) }
	good := datagram("10.0.0.12", "10.0.0.11", 1000, 2000)
	blocked := map[string][]byte{
		"another MAC":                    ether(to, stranger, unix.ETH_P_IP, good),
		"another address":                ether(to, me, unix.ETH_P_IP, datagram("10.0.0.13", "10.0.0.11", 1000, 2000)),
		"the pair's address with my MAC": ether(to, me, unix.ETH_P_IP, datagram("10.0.0.130", "10.0.0.11", 1000, 2000)),
		"ARP for another":                ether(to, me, unix.ETH_P_ARP, arp(me, "10.0.0.1")),
		"ARP naming another MAC":         ether(to, me, unix.ETH_P_ARP, arp(stranger, "10.0.0.12")),
		"a DHCP server":                  ether(to, me, unix.ETH_P_IP, datagram("10.0.0.12", "10.0.0.11", 67, 68)),
		"a VLAN tag":                     ether(to, me, unix.ETH_P_8021Q, slices.Concat([]byte{0, 5, 8, 0}, good)),
		"another protocol":               ether(to, me, unix.ETH_P_LLDP, good),
		"another IPv6 address":           ether(to, me, unix.ETH_P_IPV6, icmp6(other6, all, 128, make([]byte, 4))),
		"a router advertisement":         ether(to, me, unix.ETH_P_IPV6, icmp6(ll, all, 134, make([]byte, 12))),
		"a neighbour advertisement":      ether(to, me, unix.ETH_P_IPV6, icmp6(ll, all, 136, na(other6))),
		"a frame for nobody here":        ether(stranger, me, unix.ETH_P_IP, good),
	}
	passed := map[string][]byte{
		"my address":                   ether(to, me, unix.ETH_P_IP, good),
		"the pair":                     ether(to, pair, unix.ETH_P_IP, datagram("10.0.0.130", "10.0.0.11", 1000, 2001)),
		"my ARP":                       ether(to, me, unix.ETH_P_ARP, arp(me, "10.0.0.12")),
		"my IPv6 address":              ether(to, me, unix.ETH_P_IPV6, icmp6(ll, all, 128, make([]byte, 4))),
		"my neighbour advertisement":   ether(to, me, unix.ETH_P_IPV6, icmp6(ll, all, 136, na(ll))),
		"my last word, after the rest": ether(to, me, unix.ETH_P_ARP, append(arp(me, "10.0.0.12"), "end"...)),
	}
	for name, frame := range passed {
		if hit := w.one.watch(func(b []byte) bool { return bytes.Equal(b, frame) }); !w.two.sends(frame, hit) {
			t.Errorf("%s does not arrive", name)
		}
	}
	last := passed["my last word, after the rest"]
	for name, frame := range blocked {
		var leaked bool
		end := w.one.watch(func(b []byte) bool {
			leaked = leaked || bytes.Equal(b, frame)
			return bytes.Equal(b, last)
		})
		if _, err := w.two.tap.Write(frame); err != nil {
			t.Fatal(err)
		}
		if !w.two.sends(last, end) { // frames keep their order
			t.Fatalf("nothing arrives after %s", name)
		}
		w.one.mu.Lock()
		if leaked {
			t.Errorf("%s arrives", name)
		}
		w.one.mu.Unlock()
	}
}

// sends puts a frame on the wire and waits for a sign that it arrived.
func (g *guest) sends(frame []byte, arrived <-chan struct{}) bool {
	if _, err := g.tap.Write(frame); err != nil {
		g.t.Fatal(err)
	}
	select {
	case <-arrived:
		return true
	case <-time.After(patience):
		return false
	}
}

func TestFloatingAddressesAreAnnounced(t *testing.T) {
	w := newWorld(t)
	l, err := w.host.nl.LinkByName("ncb" + network.Tail(w.view.Networks[2].ID))
	if err != nil {
		t.Fatal(err)
	}
	var fd int
	w.host.must(func() error {
		be := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ARP >> 8, unix.ETH_P_ARP & 0xff})
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(be)); err != nil {
			return err
		}
		return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: int64(patience.Seconds())})
	})
	defer func() { _ = unix.Close(fd) }()
	added := network.HostFloating{ID: "g", Address: netip.MustParseAddr("198.51.100.51"), Fixed: netip.MustParseAddr("10.0.0.12")}
	w.view.Routers[0].Floating = append(w.view.Routers[0].Floating, added)
	w.apply()
	mac, b := w.view.Routers[0].Gateway.MAC, make([]byte, 2048)
	for {
		n, from, err := unix.Recvfrom(fd, b, 0)
		if err != nil {
			t.Fatal("no announcement: ", err)
		}
		ll, ok := from.(*unix.SockaddrLinklayer)
		if ok && ll.Ifindex == l.Attrs().Index && n >= 42 && bytes.Equal(b[28:32], added.Address.AsSlice()) && net.HardwareAddr(b[22:28]).String() == mac {
			return
		}
	}
}
