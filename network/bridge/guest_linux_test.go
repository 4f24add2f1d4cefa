package bridge_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nacre-cloud/nacre/network"
)

// A guest is a site that hangs on the tap of a port as a hypervisor would: the test opens the tap and
// carries frames between it and the guest's NIC.
type guest struct {
	*site
	port network.HostPort
	tap  *os.File // what is written here the guest has sent
	mu   sync.Mutex
	seen func(frame []byte) // called with what reaches the guest
}

func openTap(s *site, name string) *os.File {
	s.t.Helper()
	var f *os.File
	s.must(func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return err
		}
		req, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
			return err
		}
		f = os.NewFile(uintptr(fd), name) // only now can it be polled
		return nil
	})
	s.t.Cleanup(func() { _ = f.Close() })
	return f
}

func newGuest(host *site, p network.HostPort) *guest {
	host.t.Helper()
	g := &guest{site: newSite(host.t), port: p}
	nic := openTap(g.site, "eth0")
	l, err := g.nl.LinkByName("eth0")
	if err != nil {
		g.t.Fatal(err)
	}
	if err := errors.Join(g.nl.LinkSetHardwareAddr(l, macOf(p)), g.nl.LinkSetUp(l)); err != nil {
		g.t.Fatal(err)
	}
	g.tap = openTap(host, p.Tap)
	go carry(nic, g.tap, nil)
	go carry(g.tap, nic, func(frame []byte) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.seen != nil {
			g.seen(frame)
		}
	})
	return g
}

func carry(from, to *os.File, seen func([]byte)) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if seen != nil {
			seen(b[:n])
		}
		_, _ = to.Write(b[:n]) // like a wire, it may lose a frame
	}
}

// lease asks DHCP and configures the guest with the answer.
func (g *guest) lease() *dhcpv4.DHCPv4 {
	g.t.Helper()
	hello, err := dhcpv4.NewDiscovery(macOf(g.port))
	if err != nil {
		g.t.Fatal(err)
	}
	offer, err := g.exchange(hello, patience)
	if err != nil {
		g.t.Fatalf("DHCP offer: %v", err)
	}
	request, err := dhcpv4.NewRequestFromOffer(offer)
	if err != nil {
		g.t.Fatal(err)
	}
	ack, err := g.exchange(request, patience)
	if err != nil || ack.MessageType() != dhcpv4.MessageTypeAck {
		g.t.Fatalf("DHCP acknowledgement: %v %v", ack, err)
	}
	ones, _ := ack.SubnetMask().Size()
	addr, _ := netip.AddrFromSlice(ack.YourIPAddr.To4())
	g.configure(netip.PrefixFrom(addr, ones))
	l, _ := g.nl.LinkByName("eth0")
	for _, r := range ack.ClasslessStaticRoute() {
		if err := g.nl.RouteReplace(&netlink.Route{Dst: r.Dest, Gw: r.Router, LinkIndex: l.Attrs().Index}); err != nil {
			g.t.Fatalf("route %s: %v", r, err)
		}
	}
	return ack
}

// exchange sends a DHCP message as a guest without address does and returns the answer.
func (g *guest) exchange(m *dhcpv4.DHCPv4, wait time.Duration) (*dhcpv4.DHCPv4, error) {
	var answer *dhcpv4.DHCPv4
	err := g.in(func() error {
		c, err := server4.NewIPv4UDPConn("eth0", &net.UDPAddr{IP: net.IPv4zero, Port: dhcpv4.ClientPort})
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		b := make([]byte, 2048)
		for end := time.Now().Add(wait); ; {
			// The first frame may come before the bridge has noticed that somebody opened the tap.
			if _, err := c.WriteTo(m.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: dhcpv4.ServerPort}); err != nil {
				return err
			}
			_ = c.SetReadDeadline(time.Now().Add(wait / 10))
			n, _, err := c.ReadFrom(b)
			if errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(end) {
				continue
			}
			if err != nil {
				return err
			}
			if answer, err = dhcpv4.FromBytes(b[:n]); err == nil && answer.TransactionID == m.TransactionID {
				return nil
			}
		}
	})
	return answer, err
}

func macOf(p network.HostPort) net.HardwareAddr {
	mac, err := net.ParseMAC(p.MAC)
	if err != nil {
		panic(err)
	}
	return mac
}

// configure gives the guest an address.
func (g *guest) configure(p netip.Prefix) {
	g.t.Helper()
	l, err := g.nl.LinkByName("eth0")
	if err != nil {
		g.t.Fatal(err)
	}
	n := &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
	if err := g.nl.AddrReplace(l, &netlink.Addr{IPNet: n, Flags: unix.IFA_F_NODAD}); err != nil {
		g.t.Fatal(err)
	}
}

// fetch asks for metadata.
func (g *guest) fetch(path string) (string, error) {
	var body []byte
	err := g.in(func() error {
		c, err := net.DialTimeout("tcp", "169.254.169.254:80", patience)
		if err != nil {
			return err
		}
		client := http.Client{Timeout: patience, Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return c, nil },
		}}
		r, err := client.Get("http://169.254.169.254" + path)
		if err != nil {
			return err
		}
		defer func() { _ = r.Body.Close() }()
		body, err = io.ReadAll(r.Body)
		return err
	})
	return string(body), err
}

// watch reports frames that reach the guest and match.
func (g *guest) watch(match func([]byte) bool) <-chan struct{} {
	hits := make(chan struct{}, 64)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = func(frame []byte) {
		if match(frame) {
			hits <- struct{}{}
		}
	}
	return hits
}
