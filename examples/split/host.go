package main

import (
	"flag"
	"fmt"
	"path/filepath"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre"
	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/libvirt"
	computememory "github.com/nacre-cloud/nacre/compute/memory"
	"github.com/nacre-cloud/nacre/kit/bus/nats"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/network/bridge"
	networkmemory "github.com/nacre-cloud/nacre/network/memory"
)

// A host is what a host is told.
type host struct {
	name, bus, token, driver, dir, libvirt, libvirtLog, status string
}

func hostPart(f *flag.FlagSet, args []string) (fx.Option, error) {
	var h host
	f.StringVar(&h.name, "name", "", "name of the host, which is how the control plane knows it")
	f.StringVar(&h.bus, "bus", "nats://127.0.0.1:4222", "URL of the NATS server")
	f.StringVar(&h.token, "token", "", "file with the token of the bus, a copy of the control plane's DIR/bus-token")
	f.StringVar(&h.driver, "driver", "libvirt", "what runs servers: libvirt, or memory, which needs no root")
	f.StringVar(&h.dir, "dir", "/var/lib/nacre", "directory of servers and images")
	f.StringVar(&h.libvirt, "libvirt", "", "URI of the hypervisor; qemu:///system when empty")
	f.StringVar(&h.libvirtLog, "libvirt-log", "", "where libvirt keeps QEMU's messages; its own default when empty")
	f.StringVar(&h.status, "status", "", "address of /metrics and /healthz; a free loopback port when empty")
	_ = f.Parse(args) // it exits by itself
	return h.part()
}

// part is the description of a host.
func (h host) part() (fx.Option, error) {
	dir, err := filepath.Abs(h.dir)
	drivers := map[string]func(host) fx.Option{"memory": host.inMemory, "libvirt": host.onLibvirt}[h.driver]
	if err != nil || h.name == "" || h.token == "" || drivers == nil {
		return nil, fmt.Errorf("a host needs -name, -token and -driver libvirt or memory")
	}
	if err := public("-bus", h.bus); err != nil {
		return nil, err
	}
	h.dir = dir // libvirt is told full paths
	token, err := readToken(h.token)
	if err != nil {
		return nil, err
	}
	return fx.Options(
		nacre.Host,
		nats.Module(nats.Config{URL: h.bus, Token: token}),
		fx.Supply(rest.Config{Listen: h.status}),
		drivers(h),
	), nil
}

// onLibvirt is a host of real servers. It needs root.
func (h host) onLibvirt() fx.Option {
	return fx.Options(
		libvirt.Host(h.name, libvirt.Config{URI: h.libvirt, Dir: h.dir, LogDir: h.libvirtLog}, compute.AgentConfig{}),
		bridge.Host(h.name, bridge.Config{}),
	)
}

// inMemory is a host of servers that are entries of a map.
func (h host) inMemory() fx.Option {
	return fx.Options(
		computememory.Host(h.name, computememory.Config{}, compute.AgentConfig{}),
		network.AddHost(h.name, func() network.Driver { return networkmemory.New() }),
	)
}
