package networktest

import (
	"context"
	"net/netip"
	"testing"

	"github.com/nacre-cloud/nacre/network"
)

// Sample returns a fresh view with some of everything: a network with DHCP and two ports, another with the same addresses and
// one port, an external network, and a router with a floating address.
func Sample() network.View {
	const a, b, ext = "01980000-0000-7000-8000-00000000000a", "01980000-0000-7000-8000-00000000000b", "01980000-0000-7000-8000-0000000000ee"
	subnet := network.HostSubnet{
		ID: "s", CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.1"), DHCP: netip.MustParseAddr("10.0.0.2"),
		DNS: []netip.Addr{netip.MustParseAddr("10.0.0.53")},
	}
	port := func(id, net, mac, addr string) network.HostPort {
		return network.HostPort{
			ID: id, Network: net, MAC: mac, Tap: network.TapName(id), Hostname: "guest", Addresses: []netip.Addr{netip.MustParseAddr(addr)},
			Rules: []network.HostRule{{}, {Ingress: true, Proto: 6, From: 22, To: 22}, {Ingress: true, Group: "g"}, {IPv6: true}},
		}
	}
	return network.View{
		Networks: []network.HostNetwork{
			{ID: a, MTU: 1450, Subnets: []network.HostSubnet{subnet}},
			{ID: b, Subnets: []network.HostSubnet{subnet}},
			{ID: ext, External: true, Subnets: []network.HostSubnet{{
				ID: "e", CIDR: netip.MustParsePrefix("198.51.100.0/24"), Gateway: netip.MustParseAddr("198.51.100.1"),
			}}},
		},
		Groups: []network.HostGroup{{ID: "g", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.11/32"), netip.MustParsePrefix("2001:db8::/64")}}},
		Ports: []network.HostPort{
			port("01980000-0000-7000-8000-0000000000a1", a, "fa:16:3e:00:00:a1", "10.0.0.11"),
			port("01980000-0000-7000-8000-0000000000a2", a, "fa:16:3e:00:00:a2", "10.0.0.12"),
			port("01980000-0000-7000-8000-0000000000b1", b, "fa:16:3e:00:00:b1", "10.0.0.11"),
		},
		Routers: []network.HostRouter{{
			ID: "01980000-0000-7000-8000-000000000001",
			Interfaces: []network.HostInterface{{
				Port: "01980000-0000-7000-8000-0000000000f1", Network: a, MAC: "fa:16:3e:00:00:f1",
				Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")},
			}},
			Gateway: &network.HostGateway{
				HostInterface: network.HostInterface{
					Port: "01980000-0000-7000-8000-0000000000f2", Network: ext, MAC: "fa:16:3e:00:00:f2",
					Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.10/24")},
				},
				NextHop: netip.MustParseAddr("198.51.100.1"), SNAT: true,
			},
			Floating: []network.HostFloating{{ID: "f", Address: netip.MustParseAddr("198.51.100.50"), Fixed: netip.MustParseAddr("10.0.0.11")}},
			Routes:   []network.Route{{Destination: netip.MustParsePrefix("192.168.7.0/24"), NextHop: netip.MustParseAddr("10.0.0.12")}},
		}},
	}
}

func drain(t *testing.T, d network.Driver) {
	if err := d.Apply(context.WithoutCancel(t.Context()), network.View{}); err != nil {
		t.Errorf("the empty view: %v", err)
	}
}
