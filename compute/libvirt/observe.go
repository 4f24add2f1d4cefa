//go:build libvirt

package libvirt

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"

	"libvirt.org/go/libvirt"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Inventory implements compute.Driver.
func (d *Driver) Inventory(ctx context.Context) (compute.Inventory, error) {
	return atOnce(ctx, d, func(c *libvirt.Connect) (compute.Inventory, error) {
		host, err := c.GetNodeInfo()
		if err != nil {
			return compute.Inventory{}, faultOf(err, "asking for the host's size")
		}
		version, err := c.GetVersion()
		if err != nil {
			return compute.Inventory{}, faultOf(err, "asking for QEMU's version")
		}
		var disk syscall.Statfs_t
		if err := syscall.Statfs(d.config.Dir, &disk); err != nil {
			return compute.Inventory{}, storage(err, "measuring %s", d.config.Dir)
		}
		return compute.Inventory{
			VCPUs:      int(host.Cpus),
			MemoryMiB:  int(host.Memory >> 10),
			DiskGiB:    int(disk.Blocks * uint64(disk.Bsize) / gib),
			Hypervisor: "QEMU",
			Version:    fmt.Sprintf("%d.%d.%d", version/1_000_000, version/1000%1000, version%1000),
			Traits:     []string{d.config.Accelerator.trait()},
		}, nil
	})
}

// Guests implements compute.Driver.
func (d *Driver) Guests(ctx context.Context) ([]compute.GuestState, error) {
	return atOnce(ctx, d, func(c *libvirt.Connect) ([]compute.GuestState, error) {
		known, err := domains(c)
		if err != nil {
			return nil, err
		}
		halfMade, err := d.files.list()
		if err != nil {
			return nil, err
		}
		for _, id := range halfMade {
			if known[id] == "" {
				known[id] = compute.Stopped
			}
		}
		states := make([]compute.GuestState, 0, len(known))
		for id, power := range known {
			states = append(states, compute.GuestState{ID: id, Power: power})
		}
		if slices.ContainsFunc(states, off) && d.config.GoingDown(ctx) {
			return nil, fault.Unavailable.Errorf("this host is shutting down, and its servers with it")
		}
		return states, nil
	})
}

// domains returns the states of our domains with two questions, however many there are.
func domains(c *libvirt.Connect) (map[compute.ServerID]compute.Power, error) {
	stats, err := c.GetAllDomainStats(nil, libvirt.DOMAIN_STATS_STATE, 0)
	if err != nil {
		return nil, faultOf(err, "listing servers")
	}
	states := make(map[compute.ServerID]compute.Power, len(stats))
	for _, s := range stats {
		if id, ours := serverOf(s.Domain); ours && s.State != nil {
			states[id] = powerFrom(s.State.State, s.State.Reason)
		}
		free(s.Domain)
	}
	saved, err := c.ListAllDomains(libvirt.CONNECT_LIST_DOMAINS_INACTIVE | libvirt.CONNECT_LIST_DOMAINS_MANAGEDSAVE)
	if err != nil {
		return nil, faultOf(err, "listing suspended servers")
	}
	for i := range saved {
		if id, ours := serverOf(&saved[i]); ours {
			states[id] = compute.Suspended
		}
		free(&saved[i])
	}
	return states, nil
}

// Samples implements compute.Driver.
func (d *Driver) Samples(ctx context.Context) ([]compute.Sample, error) {
	const wanted = libvirt.DOMAIN_STATS_CPU_TOTAL | libvirt.DOMAIN_STATS_BALLOON |
		libvirt.DOMAIN_STATS_BLOCK | libvirt.DOMAIN_STATS_INTERFACE
	return atOnce(ctx, d, func(c *libvirt.Connect) ([]compute.Sample, error) {
		// NOWAIT: a guest that is being migrated or saved must not hold up the others.
		stats, err := c.GetAllDomainStats(nil, wanted,
			libvirt.CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE|libvirt.CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT)
		if err != nil {
			return nil, faultOf(err, "reading counters")
		}
		at := time.Now()
		var samples []compute.Sample
		for _, s := range stats {
			if id, ours := serverOf(s.Domain); ours {
				samples = append(samples, sample(id, at, s))
			}
			free(s.Domain)
		}
		return samples, nil
	})
}

func sample(id compute.ServerID, at time.Time, s libvirt.DomainStats) compute.Sample {
	sum := compute.Sample{ID: id, At: at}
	if s.Cpu != nil {
		sum.CPU = time.Duration(s.Cpu.Time)
	}
	if s.Balloon != nil {
		sum.MemoryMiB = int(s.Balloon.Rss >> 10)
	}
	for _, b := range s.Block {
		sum.DiskRead += int64(b.RdBytes)
		sum.DiskWritten += int64(b.WrBytes)
	}
	for _, n := range s.Net {
		sum.NetReceived += int64(n.RxBytes)
		sum.NetSent += int64(n.TxBytes)
	}
	return sum
}

// VNC implements compute.Console.
func (d *Driver) VNC(ctx context.Context, id compute.ServerID) (compute.Endpoint, error) {
	return atOnce(ctx, d, func(c *libvirt.Connect) (compute.Endpoint, error) {
		dom, err := find(c, id)
		if err != nil {
			return compute.Endpoint{}, err
		}
		defer free(dom)
		x, err := describe(guest{id, dom}, now)
		if err != nil {
			return compute.Endpoint{}, err
		}
		for _, g := range x.Devices.Graphics {
			if g.VNC != nil && g.VNC.Socket != "" {
				return compute.Endpoint{Network: "unix", Address: g.VNC.Socket}, nil
			}
		}
		return compute.Endpoint{}, fault.Conflict.Errorf("server %s is not running: it has no screen", id)
	})
}
