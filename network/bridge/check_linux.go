package bridge

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

// Check has a driver carry one network of each kind in a network namespace that vanishes, and says
// what this machine cannot do.
func Check(ctx context.Context) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and the namespace with it
		done <- check(ctx)
	}()
	return <-done
}

func check(ctx context.Context) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fault.Unsupported.Wrap(err, "make a network namespace")
	}
	d, err := Open(Config{})
	if err != nil {
		return err
	}
	err = d.Apply(ctx, sample())
	// What was made is removed also where not everything could be.
	return errors.Join(err, d.Apply(ctx, network.View{}), d.Close())
}

// sample is a guest behind a router.
func sample() network.View {
	inside, outside := netip.MustParsePrefix("192.0.2.0/28"), netip.MustParsePrefix("198.51.100.0/28")
	at := func(p netip.Prefix, n byte) netip.Prefix {
		b := p.Addr().As4()
		b[3] += n
		return netip.PrefixFrom(netip.AddrFrom4(b), p.Bits())
	}
	leg := func(id, net string, n byte, a netip.Prefix) network.HostInterface {
		return network.HostInterface{Port: id, Network: net, MAC: fmt.Sprintf("fa:16:3e:00:00:%02x", n), Addresses: []netip.Prefix{a}}
	}
	return network.View{
		Networks: []network.HostNetwork{
			{ID: "check-in", Subnets: []network.HostSubnet{{ID: "in", CIDR: inside, Gateway: at(inside, 1).Addr(), DHCP: at(inside, 2).Addr()}}},
			{ID: "check-out", External: true, Subnets: []network.HostSubnet{{ID: "out", CIDR: outside, Gateway: at(outside, 1).Addr()}}},
		},
		Ports: []network.HostPort{{
			ID: "check-port", Network: "check-in", MAC: "fa:16:3e:00:00:01", Tap: "tapcheck", Addresses: []netip.Addr{at(inside, 3).Addr()},
			Rules: []network.HostRule{{Ingress: true, Proto: unix.IPPROTO_ICMP}},
		}},
		Routers: []network.HostRouter{{
			ID: "check", Interfaces: []network.HostInterface{leg("check-leg", "check-in", 2, at(inside, 1))},
			Gateway:  &network.HostGateway{HostInterface: leg("check-gw", "check-out", 3, at(outside, 2)), NextHop: at(outside, 1).Addr(), SNAT: true},
			Floating: []network.HostFloating{{ID: "check", Address: at(outside, 3).Addr(), Fixed: at(inside, 3).Addr()}},
		}},
	}
}
