package bridge_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/vishvananda/netlink"

	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/network/bridge"
	"github.com/nacre-cloud/nacre/network/networktest"
)

// world is the sample view on a host, with guests on its ports: one and two on one network, other on another with the addresses of one.
type world struct {
	host            *site
	driver          *bridge.Driver
	view            network.View
	one, two, other *guest
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{host: newSite(t), view: networktest.Sample()}
	w.driver = w.host.open(bridge.Config{
		Lease: time.Hour,
		Metadata: func(from network.Guest, w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, "%s %s %s", from.Network, from.Address, r.URL.Path)
		},
	})
	// Another process with the same configuration finds all that this one made.
	t.Cleanup(func() {
		drain(t, w.host.open(bridge.Config{}))
		w.host.isBare()
	})
	w.apply()
	w.one, w.two, w.other = newGuest(w.host, w.view.Ports[0]), newGuest(w.host, w.view.Ports[1]), newGuest(w.host, w.view.Ports[2])
	return w
}

// leased is a world whose guests have their addresses.
func leased(t *testing.T) *world {
	w := newWorld(t)
	for _, g := range []*guest{w.one, w.two, w.other} {
		g.lease()
	}
	return w
}

func (w *world) apply() {
	w.host.t.Helper()
	if err := w.driver.Apply(w.host.t.Context(), w.view); err != nil {
		w.host.t.Fatal(err)
	}
}

func TestDHCPTellsAGuestAllItNeeds(t *testing.T) {
	w := newWorld(t)
	ack := w.one.lease()
	if got := ack.YourIPAddr.String(); got != "10.0.0.11" {
		t.Errorf("address %s", got)
	}
	mtu := ack.Options.Get(dhcpv4.OptionInterfaceMTU)
	if len(mtu) != 2 || int(mtu[0])<<8|int(mtu[1]) != 1450 {
		t.Errorf("MTU %v", mtu)
	}
	for what, got := range map[string]string{
		"ffffff00": ack.SubnetMask().String(), "[10.0.0.1]": fmt.Sprint(ack.Router()), "[10.0.0.53]": fmt.Sprint(ack.DNS()), "guest": ack.HostName(),
		"1h0m0s": ack.IPAddressLeaseTime(0).String(), "10.0.0.2": ack.ServerIdentifier().String(),
	} {
		if got != what {
			t.Errorf("option is %q, want %q", got, what)
		}
	}
	if routes := fmt.Sprint(ack.ClasslessStaticRoute()); !strings.Contains(routes, "169.254.169.254/32 via 10.0.0.2") || !strings.Contains(routes, "0.0.0.0/0 via 10.0.0.1") {
		t.Errorf("routes %s", routes)
	}
	wrong, err := dhcpv4.New(dhcpv4.WithHwAddr(macOf(w.one.port)), dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest),
		dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IPv4(10, 0, 0, 99))))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := w.two.exchange(wrong, impatience); err == nil {
		t.Errorf("a guest leases for another's MAC: %s", r.Summary())
	}
	wrong.ClientHWAddr = macOf(w.two.port)
	if r, err := w.two.exchange(wrong, patience); err != nil || r.MessageType() != dhcpv4.MessageTypeNak {
		t.Errorf("a request for another's address is answered by %v %v", r, err)
	}
}

func TestMetadataKnowsWhoAsks(t *testing.T) {
	w := leased(t)
	for _, g := range []*guest{w.one, w.two, w.other} {
		want := fmt.Sprintf("%s %s /openstack", g.port.Network, g.port.Addresses[0])
		if got, err := g.fetch("/openstack"); err != nil || got != want {
			t.Errorf("metadata is %q (%v), want %q", got, err, want)
		}
	}
}

func TestSecurityGroups(t *testing.T) {
	w := leased(t)
	for _, port := range []string{":22", ":23"} {
		w.one.listen(port)
		w.two.listen(port)
	}
	// one is a member of the group that both let in; two is not.
	w.one.reaches("10.0.0.12:23", "10.0.0.11")
	ssh := w.two.reaches("10.0.0.11:22", "10.0.0.12")
	w.two.cannotReach("10.0.0.11:23")
	if !alive(ssh, patience) {
		t.Error("answers do not pass")
	}

	w.view.Ports[0].Rules = []network.HostRule{{Ingress: true, Proto: 6, From: 20, To: 30, Remote: netip.MustParsePrefix("10.0.0.12/31")}}
	w.apply()
	w.two.reaches("10.0.0.11:23", "10.0.0.12")
	w.one.cannotReach("10.0.0.12:23") // no rule lets it out
	if !alive(ssh, patience) {
		t.Error("a connection that is still allowed was cut")
	}

	w.view.Ports[0].Rules = nil
	w.apply()
	w.two.cannotReach("10.0.0.11:22")
	if alive(ssh, impatience) {
		t.Error("a connection outlives its rule")
	}

	w.view.Ports[0].Unguarded = true
	w.apply()
	w.two.reaches("10.0.0.11:23", "10.0.0.12")

	w.view.Ports[0].Unguarded = false
	w.view.Ports[0].Rules = w.view.Ports[1].Rules
	w.view.Groups[0].Addresses = append(w.view.Groups[0].Addresses, netip.MustParsePrefix("10.0.0.12/32"))
	w.apply()
	joined := w.two.reaches("10.0.0.11:23", "10.0.0.12")

	w.view.Groups[0].Addresses = []netip.Prefix{netip.MustParsePrefix("10.0.0.64/26"), netip.MustParsePrefix("10.0.0.128/26")}
	w.apply()
	w.two.cannotReach("10.0.0.11:23")
	if alive(joined, impatience) {
		t.Error("a connection outlives the membership that allowed it")
	}
}

func TestSecurityGroupsOnIPv6(t *testing.T) {
	w := leased(t)
	w.two.listen("[::]:22")
	w.two.listen("[::]:23")
	target := "[fe80::f816:3eff:fe00:a2%%eth0]:%d"
	w.view.Ports[1].Rules = []network.HostRule{{Ingress: true, IPv6: true, Proto: 6, From: 22, To: 22, Remote: netip.MustParsePrefix("fe80::/10")}}
	w.apply()
	w.one.reaches(fmt.Sprintf(target, 22), "fe80::f816:3eff:fe00:a1")
	w.one.cannotReach(fmt.Sprintf(target, 23))
}

func TestTwoNetworksMayUseTheSameAddresses(t *testing.T) {
	w := newWorld(t)
	twin := w.view.Ports[1]
	twin.ID, twin.Network, twin.MAC = "01980000-0000-7000-8000-0000000000b2", w.view.Ports[2].Network, "fa:16:3e:00:00:b2"
	twin.Tap = network.TapName(twin.ID)
	twin.Rules = nil
	w.view.Ports = append(w.view.Ports, twin)
	w.apply()
	second := newGuest(w.host, twin)
	for _, g := range []*guest{w.one, w.two, w.other, second} {
		g.lease()
	}
	w.two.listen(":22")
	second.listen(":22")
	local := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 11), Port: 40000}
	// The same five numbers on both networks: what one allows must not open the other.
	first, who, err := w.one.dial("10.0.0.12:22", local, patience)
	if err != nil || who != "10.0.0.11" {
		t.Fatal(who, err)
	}
	if _, _, err := w.other.dial("10.0.0.12:22", local, impatience); err == nil {
		t.Error("a connection of one network opens a port on the other")
	}
	w.view.Ports[3].Rules = w.view.Ports[1].Rules
	w.apply()
	local.Port++
	if _, _, err := w.other.dial("10.0.0.12:22", local, patience); err != nil {
		t.Error(err)
	}
	if !alive(first, patience) {
		t.Error("one network disturbs the other")
	}
}

func TestTheHostCannotBeReachedFromANetwork(t *testing.T) {
	w := leased(t)
	w.host.listen(":80")
	b, err := w.host.nl.LinkByName("ncb" + network.Tail(w.view.Networks[0].ID))
	if err != nil {
		t.Fatal(err)
	}
	// The host has a way back, as one with a default route has.
	_, back, _ := net.ParseCIDR("10.0.0.0/24")
	if err := w.host.nl.RouteReplace(&netlink.Route{Dst: back, LinkIndex: b.Attrs().Index, Src: net.IPv4(198, 51, 100, 1)}); err != nil {
		t.Fatal(err)
	}
	// The host would answer for any of its addresses to whoever knows the bridge's MAC.
	l, err := w.one.nl.LinkByName("eth0")
	if err != nil {
		t.Fatal(err)
	}
	w.one.neighbour(l, "10.0.0.200", b.Attrs().HardwareAddr)
	w.one.via(l, "198.51.100.1/32", "10.0.0.200")
	w.one.cannotReach("198.51.100.1:80")
}

func TestRouter(t *testing.T) {
	w := leased(t)
	w.host.listen("198.51.100.1:80")
	w.one.listen(":22")
	w.one.listen(":23")
	w.two.listen(":22")
	t.Run("leaves with the gateway's address", func(t *testing.T) { w.two.reaches("198.51.100.1:80", "198.51.100.10") })
	t.Run("leaves with the floating address", func(t *testing.T) { w.one.reaches("198.51.100.1:80", "198.51.100.50") })
	t.Run("comes in by the floating address", func(t *testing.T) {
		w.host.reaches("198.51.100.50:22", "198.51.100.1")
		w.host.cannotReach("198.51.100.50:23")
	})
	t.Run("guests reach each other by floating addresses", func(t *testing.T) { w.two.reaches("198.51.100.50:22", "198.51.100.10") })
	t.Run("nobody outside reaches an inside address", func(t *testing.T) {
		l, err := w.host.nl.LinkByName("ncb" + network.Tail(w.view.Networks[2].ID))
		if err != nil {
			t.Fatal(err)
		}
		w.host.via(l, "10.0.0.0/24", "198.51.100.10")
		w.host.cannotReach("10.0.0.12:22")
	})
	t.Run("static routes hold", func(t *testing.T) {
		w.two.configure(netip.MustParsePrefix("192.168.7.1/24"))
		w.view.Ports[1].Pairs = []network.AddressPair{{Address: netip.MustParsePrefix("192.168.7.0/24")}}
		w.apply()
		w.one.reaches("192.168.7.1:22", "10.0.0.11")
	})
	t.Run("a moved floating address is announced and ends connections", func(t *testing.T) {
		c := w.host.reaches("198.51.100.50:22", "198.51.100.1")
		w.view.Routers[0].Floating[0].Fixed = netip.MustParseAddr("10.0.0.12")
		w.apply()
		if alive(c, impatience) {
			t.Error("a connection stays with the old guest")
		}
		w.two.reaches("198.51.100.1:80", "198.51.100.50")
		w.one.reaches("198.51.100.1:80", "198.51.100.10")
	})
	t.Run("without SNAT addresses inside are routed as they are", func(t *testing.T) {
		w.view.Routers[0].Gateway.SNAT = false
		w.apply()
		w.host.reaches("10.0.0.11:22", "198.51.100.1")
	})
}

func TestRestartInterruptsNobody(t *testing.T) {
	w := leased(t)
	w.one.listen(":22")
	inside, outside := w.two.reaches("10.0.0.11:22", "10.0.0.12"), w.host.reaches("198.51.100.50:22", "198.51.100.1")
	if err := w.driver.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.driver.Apply(t.Context(), w.view); err == nil {
		t.Error("a closed driver applies")
	}
	if !alive(inside, patience) || !alive(outside, patience) {
		t.Error("the driver's end cuts connections")
	}
	w.driver = w.host.open(bridge.Config{})
	w.apply()
	if !alive(inside, patience) || !alive(outside, patience) {
		t.Error("the driver's restart cuts connections")
	}
	w.one.lease()
}
