package compute

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/network"
)

// A nicPlan is a port that a server gets.
type nicPlan struct {
	NetworkID network.ID
	Network   string
	MTU       int
	Port      network.PortID // chosen beforehand where it is ours
	FixedIP   netip.Addr     `json:",omitzero"`
	Ours      bool           `json:",omitempty"`
	Hostname  string
	Groups    *[]network.SecurityGroupID `json:",omitempty"`
}

// planNICs decides what the server is plugged into.
func (m *Manager) planNICs(ctx context.Context, c identity.Caller, spec CreateSpec, s *Server, st *bootState) error {
	if spec.NoNetwork {
		return nil
	}
	networks := spec.Networks
	var only *network.Network
	if len(networks) == 0 {
		var err error
		if only, err = m.onlyNetwork(ctx, c); err != nil || only == nil {
			return err
		}
		networks = []NetworkSpec{{}}
	}
	groups, err := m.groups(ctx, spec.SecurityGroups)
	if err != nil {
		return err
	}
	for _, n := range networks {
		p, err := m.planNIC(ctx, n, only)
		if err != nil {
			return err
		}
		p.Hostname, p.Groups = s.Hostname, groups
		st.NICs, s.NICs = append(st.NICs, p), append(s.NICs, p.nic())
	}
	return nil
}

// nic returns what is known of the port before it is plugged.
func (p nicPlan) nic() ServerNIC {
	return ServerNIC{PortID: string(p.Port), NetworkID: string(p.NetworkID), Network: p.Network, MTU: p.MTU, Ours: p.Ours}
}

// plugged returns n with what the network made of it.
func (n ServerNIC) plugged(p network.Port) ServerNIC {
	n.MAC, n.Addresses = p.MAC, nil
	for _, a := range p.Addresses {
		n.Addresses = append(n.Addresses, Address{IP: a.Address.String(), SubnetID: string(a.SubnetID)})
	}
	return n
}

// onlyNetwork returns the network of a project that has one, or nil.
func (m *Manager) onlyNetwork(ctx context.Context, c identity.Caller) (*network.Network, error) {
	list, err := m.networks.Networks(ctx, network.Query{
		Query: page.Query{Limit: 2}, Where: map[string][]string{"project_id": {c.ProjectID}, "router:external": {"false"}},
	})
	switch {
	case err != nil || len(list.Items) == 0:
		return nil, err
	case len(list.Items) > 1:
		return nil, fault.Conflict.Errorf("multiple possible networks found: say which network the server shall be plugged into")
	}
	return &list.Items[0], nil
}

// planNIC checks n and completes it to a plan; only is the network to use where n
// names nothing.
func (m *Manager) planNIC(ctx context.Context, n NetworkSpec, only *network.Network) (nicPlan, error) {
	p := nicPlan{Port: network.PortID(n.PortID), Ours: n.PortID == "", NetworkID: network.ID(n.NetworkID)}
	if n.FixedIP != "" {
		ip, err := netip.ParseAddr(n.FixedIP)
		if err != nil {
			return p, fault.Invalid.Errorf("fixed IP %.64q is not an address", n.FixedIP)
		}
		p.FixedIP = ip
	}
	if p.Ours {
		p.Port = network.PortID(db.NewID())
	} else {
		port, err := m.networks.Port(ctx, p.Port)
		if err != nil {
			return p, asReference(err)
		}
		if port.DeviceID != "" {
			return p, fault.Conflict.Errorf("port %s is in use by %s", port.ID, port.DeviceID)
		}
		p.NetworkID, only = port.NetworkID, nil
	}
	if only == nil {
		net, err := m.networks.Network(ctx, p.NetworkID)
		if err != nil {
			return p, asReference(err)
		}
		only = &net
	}
	if only.External && p.Ours && !identity.CallerOf(ctx).Admin() {
		return p, fault.Forbidden.Errorf("servers are not plugged into the external network %s: use a floating IP", only.ID)
	}
	if len(only.Subnets) == 0 && p.Ours && p.FixedIP.IsValid() {
		return p, fault.Invalid.Errorf("network %s has no subnet with address %s", only.ID, n.FixedIP)
	}
	p.NetworkID, p.Network, p.MTU = only.ID, only.Name, only.MTU
	return p, nil
}

// groups resolves the names or ids of security groups; none mean the default one.
func (m *Manager) groups(ctx context.Context, names []string) (*[]network.SecurityGroupID, error) {
	if len(names) == 0 || slices.Equal(names, []string{network.DefaultGroup}) {
		return nil, nil
	}
	known := map[string]network.SecurityGroupID{}
	own := map[string][]string{"project_id": {identity.CallerOf(ctx).ProjectID}}
	all := page.All(func(q page.Query) (page.Of[network.SecurityGroup], error) {
		return m.networks.SecurityGroups(ctx, network.Query{Query: q, Where: own})
	})
	for g, err := range all {
		if err != nil {
			return nil, err
		}
		known[g.Name], known[string(g.ID)] = g.ID, g.ID
	}
	ids := []network.SecurityGroupID{}
	for _, name := range names {
		id, ok := known[name]
		if !ok {
			return nil, fault.Invalid.Errorf("unable to find security group %.64q", name)
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return &ids, nil
}

// plug makes the ports and lets the host carry them.
func (m *Manager) plug(ctx context.Context, st *bootState) error {
	st.Plugged = nil
	for _, p := range st.NICs {
		n, err := m.plugNIC(ctx, st.Server, st.Host, st.HostZone, p)
		if err != nil {
			return err
		}
		st.Plugged = append(st.Plugged, n)
	}
	return nil
}

func (m *Manager) plugNIC(ctx context.Context, server ServerID, host, zone string, p nicPlan) (ServerNIC, error) {
	var port network.Port
	var err error
	if p.Ours {
		spec := network.PortSpec{
			ID: p.Port, NetworkID: p.NetworkID, Groups: p.Groups, DeviceID: string(server),
			DeviceOwner: "compute:" + zone, Hostname: p.Hostname, Host: host,
		}
		if p.FixedIP.IsValid() {
			spec.Addresses = &[]network.FixedIP{{Address: p.FixedIP}}
		}
		port, err = m.networks.CreatePort(asService(ctx), spec)
	} else {
		port, err = m.networks.Bind(asService(ctx), network.BindSpec{Port: p.Port, Host: host, ServerID: string(server), Hostname: p.Hostname})
	}
	return p.nic().plugged(port), err
}

func (m *Manager) unplug(ctx context.Context, st *bootState) error {
	for _, p := range st.NICs {
		if err := m.freePort(ctx, st.Server, p.nic()); err != nil {
			return err
		}
	}
	return nil
}

// freePort deletes a port that was made for a server, and gives any other back that
// the server still has: two that boot at once may have been promised one port.
func (m *Manager) freePort(ctx context.Context, server ServerID, n ServerNIC) error {
	id := network.PortID(n.PortID)
	if n.Ours {
		return unlessGone(m.networks.DeletePort(asService(ctx), id))
	}
	return unlessGone(m.networks.Unbind(asService(ctx), network.UnbindSpec{Port: id, ServerID: string(server)}))
}

// unlessGone makes it a success to free what is gone.
func unlessGone(err error) error {
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// device returns n as a driver plugs it in.
func (n ServerNIC) device() NIC {
	return NIC{Port: n.PortID, MAC: n.MAC, Tap: network.TapName(n.PortID), MTU: n.MTU}
}
