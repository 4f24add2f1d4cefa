package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"golang.org/x/net/netutil"

	"github.com/nacre-cloud/nacre/network"
)

// A server answers DHCP and metadata in the namespace of one network.
type server struct {
	spec   network.HostNetwork
	ports  []network.HostPort // that the leases were made from
	leases atomic.Pointer[leases]
	dhcp   *server4.Server
	http   *http.Server
}

func (s *server) stop() {
	if s.dhcp != nil {
		_ = s.dhcp.Close()
	}
	if s.http != nil {
		_ = s.http.Close()
	}
}

// serve keeps a server for each network that has DHCP.
func (d *Driver) serve(ctx context.Context, have links, p *plan) error {
	var errs []error
	ports := map[string][]network.HostPort{}
	for _, port := range p.view.Ports {
		ports[port.Network] = append(ports[port.Network], port)
	}
	for _, s := range p.segments {
		if !s.serves {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := d.serveOne(have, s, ports[s.ID]); err != nil {
			errs = append(errs, fmt.Errorf("DHCP of network %s: %w", s.ID, err))
		}
	}
	for id, srv := range d.segments {
		if s, ok := p.byID[id]; !ok || !s.serves {
			srv.stop()
			delete(d.segments, id)
		}
	}
	return errors.Join(errs...)
}

func (d *Driver) serveOne(have links, s *segment, ports []network.HostPort) error {
	srv, name := d.segments[s.ID], d.space("net", s.ID)
	_, cabled := have[d.cfg.device(aServer, s.ID)]
	if srv == nil || !cabled || d.full || !reflect.DeepEqual(srv.spec, s.HostNetwork) || !isSpace(name) {
		var err error
		if srv, err = d.house(have, s, srv); err != nil {
			return err
		}
	} else if err := d.attach(have, d.serverCable(s)); err != nil {
		return err
	}
	if srv.leases.Load() == nil || !reflect.DeepEqual(srv.ports, ports) {
		all := d.leasesOf(s, ports)
		srv.leases.Store(&all)
		srv.ports = ports
	}
	return nil
}

func (d *Driver) serverCable(s *segment) cable {
	return cable{host: d.cfg.device(aServer, s.ID), inside: "eth0", bridge: s.bridge, owner: owner{"dhcp", s.ID, 0}, mtu: s.MTU}
}

// house makes or mends the namespace of a network and the server in it.
func (d *Driver) house(have links, s *segment, old *server) (*server, error) {
	sp, err := openSpace(d.space("net", s.ID), map[string]string{"ipv4/ip_forward": "0"})
	if err != nil {
		return nil, err
	}
	defer sp.Close()
	l, existed := have[d.cfg.device(aServer, s.ID)]
	inside, err := d.lay(have, sp, d.serverCable(s))
	if err != nil {
		return nil, err
	}
	want := []netip.Prefix{netip.PrefixFrom(metadata, 32)}
	for _, n := range s.Subnets {
		if n.DHCP.Is4() {
			want = append(want, netip.PrefixFrom(n.DHCP, n.CIDR.Bits()))
		}
	}
	fresh, err := setAddresses(sp.nl, inside, want)
	if err == nil {
		err = announce(sp.ns, inside, fresh)
	}
	if err != nil {
		return nil, err
	}
	// Sockets are bound to the device: a new one needs new sockets.
	same := existed && l.Attrs().Index == have[d.cfg.device(aServer, s.ID)].Attrs().Index
	if old != nil && same && !sp.fresh {
		if !reflect.DeepEqual(old.spec, s.HostNetwork) {
			old.spec = s.HostNetwork
			old.ports = nil
			old.leases.Store(nil)
		}
		return old, nil
	}
	if old != nil {
		old.stop()
		delete(d.segments, s.ID)
	}
	srv := &server{spec: s.HostNetwork}
	if err := within(sp.ns, func() error { return d.start(srv) }); err != nil {
		srv.stop()
		return nil, err
	}
	d.segments[s.ID] = srv
	return srv, nil
}

// start opens the sockets of srv in the namespace of this thread.
func (d *Driver) start(srv *server) error {
	var err error
	srv.dhcp, err = server4.NewServer("eth0", &net.UDPAddr{IP: net.IPv4zero, Port: dhcpv4.ServerPort}, func(conn net.PacketConn, peer net.Addr, m *dhcpv4.DHCPv4) {
		table := srv.leases.Load()
		if table == nil {
			return
		}
		r := table.answer(m)
		if r == nil {
			return
		}
		if r.MessageType() == dhcpv4.MessageTypeNak { // the client has no address to be reached at
			peer = &net.UDPAddr{IP: net.IPv4bcast, Port: dhcpv4.ClientPort}
		}
		if _, err := conn.WriteTo(r.ToBytes(), peer); err != nil {
			slog.Warn("DHCP answer not sent", "network", srv.spec.ID, "mac", m.ClientHWAddr, "error", err)
		}
	})
	if err != nil {
		return fmt.Errorf("DHCP socket: %w", err)
	}
	go func() { _ = srv.dhcp.Serve() }()
	if d.cfg.Metadata == nil {
		return nil
	}
	l, err := net.Listen("tcp", netip.AddrPortFrom(metadata, 80).String())
	if err != nil {
		return fmt.Errorf("metadata socket: %w", err)
	}
	id, handle := srv.spec.ID, d.cfg.Metadata
	srv.http = &http.Server{
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			from, err := netip.ParseAddrPort(r.RemoteAddr)
			if err != nil {
				http.Error(w, "no address", http.StatusBadRequest)
				return
			}
			const body = 64 << 10 // guests ask; at most they send a password back
			r.Body = http.MaxBytesReader(w, r.Body, body)
			handle(network.Guest{Network: id, Address: from.Addr().Unmap()}, w, r)
		}),
	}
	const guests = 256 // connections of one network at a time
	go func() { _ = srv.http.Serve(netutil.LimitListener(l, guests)) }()
	return nil
}
