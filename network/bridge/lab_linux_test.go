package bridge_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/nacre-cloud/nacre/kit/machinetest"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/network/bridge"
)

// A site is a network namespace of the test: a host, or a guest.
type site struct {
	t  *testing.T
	ns netns.NsHandle
	nl *netlink.Handle
}

func newSite(t *testing.T) *site {
	t.Helper()
	machinetest.Root(t, "a bridge network")
	s := &site{t: t}
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		var err error
		if s.ns, err = netns.New(); err == nil {
			// A guest's link-local address is used at once.
			err = os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0)
			// Where br_netfilter is there, the driver must switch it on for its bridges itself.
			for _, key := range []string{"iptables", "ip6tables"} {
				_ = os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-"+key, []byte("0"), 0)
			}
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var err error
	if s.nl, err = netlink.NewHandleAt(s.ns, unix.NETLINK_ROUTE); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.nl.Close()
		_ = s.ns.Close()
	})
	lo, err := s.nl.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.nl.LinkSetUp(lo); err != nil {
		t.Fatal(err)
	}
	return s
}

// in runs f on a thread inside the site.
func (s *site) in(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := netns.Set(s.ns); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

func (s *site) must(f func() error) {
	s.t.Helper()
	if err := s.in(f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) open(cfg bridge.Config) *bridge.Driver {
	s.t.Helper()
	var d *bridge.Driver
	s.must(func() (err error) {
		d, err = bridge.Open(cfg)
		return err
	})
	s.t.Cleanup(func() { _ = d.Close() })
	return d
}

// drain leaves the host as it was.
func drain(t *testing.T, d network.Driver) {
	if err := d.Apply(context.WithoutCancel(t.Context()), network.View{}); err != nil {
		t.Error(err)
	}
}

// isBare checks that a host has nothing left of ours.
func (s *site) isBare() {
	s.t.Helper()
	list, err := s.nl.LinkList()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, l := range list {
		if l.Type() != "ifb" && l.Attrs().Name != "lo" {
			s.t.Errorf("device %s is left", l.Attrs().Name)
		}
	}
	c, err := nftables.New(nftables.WithNetNSFd(int(s.ns)))
	if err != nil {
		s.t.Fatal(err)
	}
	tables, err := c.ListTables()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, table := range tables {
		s.t.Errorf("nftables table %s is left", table.Name)
	}
	left, err := filepath.Glob(fmt.Sprintf("/run/netns/nc-%d-*", s.inode()))
	if err != nil || len(left) > 0 {
		s.t.Errorf("namespaces %v are left (%v)", left, err)
	}
}

func (s *site) inode() uint64 {
	s.t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(int(s.ns), &st); err != nil {
		s.t.Fatal(err)
	}
	return st.Ino
}

// flush removes all rules, as somebody may.
func (s *site) flush() {
	s.t.Helper()
	c, err := nftables.New(nftables.WithNetNSFd(int(s.ns)))
	if err != nil {
		s.t.Fatal(err)
	}
	c.FlushRuleset()
	if err := c.Flush(); err != nil {
		s.t.Fatal(err)
	}
}

// listen serves TCP in the site: each connection is told who it is, then echoed.
func (s *site) listen(addr string) {
	s.t.Helper()
	s.must(func() error {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		s.t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer func() { _ = c.Close() }()
					_, _ = io.WriteString(c, c.RemoteAddr().(*net.TCPAddr).IP.String()+"\n")
					_, _ = io.Copy(c, c)
				}()
			}
		}()
		return nil
	})
}

const (
	patience   = 5 * time.Second
	impatience = 400 * time.Millisecond // long enough for a connection on one machine
)

// dial connects and returns who the other side takes us for.
func (s *site) dial(addr string, local *net.TCPAddr, wait time.Duration) (net.Conn, string, error) {
	var c net.Conn
	var who string
	err := s.in(func() (err error) {
		d := net.Dialer{Timeout: wait}
		if local != nil {
			d.LocalAddr = local
		}
		if c, err = d.Dial("tcp", addr); err != nil {
			return err
		}
		_ = c.SetDeadline(time.Now().Add(wait))
		b := make([]byte, 64)
		n, err := c.Read(b)
		who = string(b[:max(0, n-1)])
		return err
	})
	if c != nil && s.t != nil {
		s.t.Cleanup(func() { _ = c.Close() })
	}
	return c, who, err
}

func (s *site) reaches(addr, as string) net.Conn {
	s.t.Helper()
	c, who, err := s.dial(addr, nil, patience)
	if err != nil {
		s.t.Fatalf("dial %s: %v", addr, err)
	}
	if who != as {
		s.t.Errorf("%s takes us for %s, want %s", addr, who, as)
	}
	return c
}

func (s *site) cannotReach(addr string) {
	s.t.Helper()
	if _, _, err := s.dial(addr, nil, impatience); err == nil {
		s.t.Errorf("%s is reached", addr)
	}
}

// alive tells whether a connection still echoes.
func alive(c net.Conn, wait time.Duration) bool {
	_ = c.SetDeadline(time.Now().Add(wait))
	if _, err := c.Write([]byte("x")); err != nil {
		return false
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err == nil
}

func (s *site) neighbour(l netlink.Link, ip string, mac net.HardwareAddr) {
	s.t.Helper()
	n := &netlink.Neigh{LinkIndex: l.Attrs().Index, State: netlink.NUD_PERMANENT, IP: net.ParseIP(ip), HardwareAddr: mac}
	if err := s.nl.NeighSet(n); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) via(l netlink.Link, to, by string) {
	s.t.Helper()
	_, dst, err := net.ParseCIDR(to)
	if err != nil {
		s.t.Fatal(err)
	}
	r := &netlink.Route{Dst: dst, Gw: net.ParseIP(by), LinkIndex: l.Attrs().Index, Flags: unix.RTNH_F_ONLINK}
	if err := s.nl.RouteReplace(r); err != nil {
		s.t.Fatal(err)
	}
}
