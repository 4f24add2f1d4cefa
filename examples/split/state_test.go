package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computerpc"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/network/networkrpc"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/scheduler/schedulerrpc"
)

// A state is what every part of the cloud believes about servers.
type state struct {
	servers []compute.Server
	rooms   []scheduler.Placement
	hosts   []scheduler.Host
	ports   []network.Port
	guests  map[string][]compute.GuestState // by host
	compute compute.Quota
	network network.Quota
}

func (c *cloud) state(t *testing.T, project string) (s state, err error) {
	t.Helper()
	ctx := system(t)
	servers, e1 := computerpc.Client{Bus: c.peer}.Servers(ctx, compute.Query{AllProjects: true})
	rooms, e2 := schedulerrpc.Client{Bus: c.peer}.Placements(ctx, scheduler.PlacementQuery{})
	hosts, e3 := schedulerrpc.Client{Bus: c.peer}.Hosts(ctx, scheduler.HostQuery{})
	ports, e4 := networkrpc.Client{Bus: c.peer}.Ports(ctx, network.Query{})
	s = state{servers: servers.Items, rooms: rooms.Items, hosts: hosts.Items, ports: ports.Items, guests: map[string][]compute.GuestState{}}
	var e5, e6 error
	s.compute, e5 = computerpc.Client{Bus: c.peer}.Quota(ctx, project)
	s.network, e6 = networkrpc.Client{Bus: c.peer}.Quota(ctx, project)
	err = errors.Join(e1, e2, e3, e4, e5, e6)
	for _, name := range hostNames {
		guests, e := computerpc.Host(c.peer, name).Guests(ctx)
		s.guests[name], err = guests, errors.Join(err, e)
	}
	return s, err
}

// settled returns the state once nothing is under way any more.
func (c *cloud) settled(t *testing.T, project string) (s state) {
	t.Helper()
	eventually(t, "every server is active or an error", func() (err error) {
		if s, err = c.state(t, project); err != nil {
			return err
		}
		open := 0
		for _, v := range s.servers {
			if v.Status == compute.Building || v.Doing.Flow != "" {
				open++
			}
		}
		if open > 0 {
			return fmt.Errorf("%d of %d servers are under way", open, len(s.servers))
		}
		return nil
	})
	return s
}

// check fails the test unless the parts agree. Guests of a host that was killed
// are gone: it kept them in RAM.
func (s state) check(t *testing.T, killed string) {
	t.Helper()
	active := map[string]compute.Server{}
	used := map[string]int64{}
	for _, v := range s.servers {
		if v.Status == compute.Active {
			active[string(v.ID)] = v
			used[v.Host] += int64(v.VCPUs)
		} else if v.Fault == nil {
			t.Errorf("server %s is %s and does not say why", v.Name, v.Status)
		} else {
			t.Logf("server %s is %s: %s", v.Name, v.Status, v.Fault.Message)
		}
	}
	s.checkRooms(t, active, used)
	s.checkPorts(t, active)
	for host, guests := range s.guests {
		for _, g := range guests {
			if v, there := active[string(g.ID)]; !there || v.Host != host {
				t.Errorf("%s runs guest %s, whose server is %q on %q", host, g.ID, v.Status, v.Host)
			}
		}
		if want := int(used[host]); host != killed && len(guests) != want { // servers have one CPU
			t.Errorf("%s runs %d guests, not %d", host, len(guests), want)
		}
	}
	if n := s.compute.Used[compute.ResourceServers]; n != int64(len(s.servers)) {
		t.Errorf("the quota counts %d servers, there are %d", n, len(s.servers))
	}
	if n := s.network.Used[network.ResourcePorts]; n != int64(len(s.ports)) {
		t.Errorf("the quota counts %d ports, there are %d", n, len(s.ports))
	}
}

func (s state) checkRooms(t *testing.T, active map[string]compute.Server, used map[string]int64) {
	t.Helper()
	held := map[string]bool{}
	for _, r := range s.rooms {
		if v, there := active[string(r.ConsumerID)]; !there || v.Host != r.HostName || held[string(r.ConsumerID)] {
			t.Errorf("room on %s is held by %s, which is %q on %q", r.HostName, r.ConsumerID, v.Status, v.Host)
		}
		held[string(r.ConsumerID)] = true
	}
	if len(held) != len(active) {
		t.Errorf("%d servers hold room, %d are active", len(held), len(active))
	}
	for _, h := range s.hosts {
		for _, i := range h.Inventories {
			if i.Class == scheduler.VCPU && i.Used != used[h.Name] {
				t.Errorf("%s counts %d CPUs as used, not %d", h.Name, i.Used, used[h.Name])
			}
		}
	}
}

func (s state) checkPorts(t *testing.T, active map[string]compute.Server) {
	t.Helper()
	owner, holder := map[string]string{}, map[string]string{}
	for _, p := range s.ports {
		id := string(p.ID)
		if v, there := active[p.DeviceID]; !there || v.Host != p.Host {
			t.Errorf("port %s on %q belongs to %q, which is %q on %q", id, p.Host, p.DeviceID, v.Status, v.Host)
		}
		if other, twice := owner[p.DeviceID]; twice {
			t.Errorf("server %s has ports %s and %s", p.DeviceID, id, other)
		}
		owner[p.DeviceID] = id
		for _, a := range p.Addresses {
			if other, twice := holder[a.Address.String()]; twice {
				t.Errorf("%s is held by ports %s and %s", a.Address, id, other)
			}
			holder[a.Address.String()] = id
		}
	}
	if len(owner) != len(active) {
		t.Errorf("%d servers have a port, %d are active: %v", len(owner), len(active), slices.Sorted(maps.Keys(owner)))
	}
}

// portsOn returns the ids of the ports that are plugged into a host, sorted.
func (s state) portsOn(host string) (ids []string) {
	for _, p := range s.ports {
		if p.Host == host {
			ids = append(ids, string(p.ID))
		}
	}
	slices.Sort(ids)
	return ids
}
