package bridge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"go4.org/netipx"
	"golang.org/x/sys/unix"
)

// setAddresses gives a device exactly these IPv4 addresses and returns those it did not have.
func setAddresses(h *netlink.Handle, l netlink.Link, want []netip.Prefix) ([]netip.Addr, error) {
	list, err := h.AddrList(l, unix.AF_INET)
	if err != nil {
		return nil, fmt.Errorf("addresses of %s: %w", l.Attrs().Name, err)
	}
	var errs []error
	have := map[netip.Prefix]bool{}
	for _, a := range list {
		ones, _ := a.Mask.Size()
		p := netip.PrefixFrom(mustAddr(a.IP), ones)
		have[p] = true
		if !slices.Contains(want, p) {
			if err := h.AddrDel(l, &a); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
				errs = append(errs, fmt.Errorf("remove %s from %s: %w", p, l.Attrs().Name, err))
			}
		}
	}
	var fresh []netip.Addr
	for _, p := range want {
		if !p.Addr().Is4() {
			continue
		}
		if !have[p] {
			fresh = append(fresh, p.Addr())
		}
		// Again where it was there: an address that went may have taken its secondaries along.
		if err := h.AddrReplace(l, &netlink.Addr{IPNet: netipx.PrefixIPNet(p)}); err != nil {
			errs = append(errs, fmt.Errorf("give %s to %s: %w", p, l.Attrs().Name, err))
		}
	}
	return fresh, errors.Join(errs...)
}

func mustAddr(ip net.IP) netip.Addr {
	a, _ := netipx.FromStdIP(ip)
	return a
}

// announce tells the neighbours of a device that addresses are here now (gratuitous ARP).
func announce(ns netns.NsHandle, l netlink.Link, addrs []netip.Addr) error {
	if len(addrs) == 0 {
		return nil
	}
	return within(ns, func() error {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("announce addresses: %w", err)
		}
		defer func() { _ = unix.Close(fd) }()
		to := &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16(be16(unix.ETH_P_ARP)), Ifindex: l.Attrs().Index, Halen: 6}
		for _, a := range addrs {
			// Some listen to requests only, some to answers only.
			for _, op := range []byte{1, 2} {
				if err := unix.Sendto(fd, gratuitous(op, l.Attrs().HardwareAddr, a), 0, to); err != nil {
					return fmt.Errorf("announce %s on %s: %w", a, l.Attrs().Name, err)
				}
			}
		}
		return nil
	})
}

func gratuitous(op byte, mac net.HardwareAddr, a netip.Addr) []byte {
	broadcast := net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	ip := a.AsSlice()
	return slices.Concat(broadcast, mac, be16(unix.ETH_P_ARP), []byte{0, 1, 8, 0, 6, 4, 0, op}, mac, ip, broadcast, ip)
}

func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
