package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/libvirt"
	"github.com/nacre-cloud/nacre/network/bridge"
)

// check returns everything that the cloud needs and this machine lacks, and what
// would help.
func check(ctx context.Context, c config) []error {
	return missing(
		checkBuild(),
		checkRoot(),
		checkPrograms(),
		checkLibvirt(ctx, c.hypervisor.URI),
		checkNetworks(ctx),
		checkListen(ctx, c.listen),
		checkExternal(c.external, c.networks.Prefix),
		checkDirectory(c.dir),
	)
}

func missing(all ...error) []error {
	var found []error
	for _, err := range all {
		if err != nil {
			found = append(found, err)
		}
	}
	return found
}

// checkBuild asks for a driver, which only a program built with libvirt has.
func checkBuild() error {
	_, err := libvirt.New(libvirt.Config{Images: struct{ compute.ImageSource }{}})
	return err
}

func checkRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("not root: bridges, taps and namespaces need it; run with sudo")
	}
	return nil
}

// programs are what drivers run, and the packages they are in.
var programs = map[string]string{"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils"}

func checkPrograms() error {
	var all []error
	for program, debian := range programs {
		if _, err := exec.LookPath(program); err != nil {
			all = append(all, fmt.Errorf("no program %s: apt install %s", program, debian))
		}
	}
	return errors.Join(all...)
}

func checkLibvirt(ctx context.Context, uri string) error {
	socket := "/run/libvirt/libvirt-sock"
	if u, err := url.Parse(uri); err == nil && u.Query().Get("socket") != "" {
		socket = u.Query().Get("socket")
	}
	limit, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(limit, "unix", socket)
	if err != nil {
		return fmt.Errorf("libvirt does not answer (%w): apt install libvirt-daemon-system, and systemctl start libvirtd", err)
	}
	return conn.Close()
}

func checkNetworks(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return nil // said already
	}
	limit, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := bridge.Check(limit); err != nil {
		return fmt.Errorf("networks cannot be made here: the kernel needs bridge, veth, tun and nftables with NAT and conntrack: %w", err)
	}
	return nil
}

func checkListen(ctx context.Context, address string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("cannot serve on %s (%w): choose another with -listen", address, err)
	}
	return l.Close()
}

// checkExternal finds addresses of this machine that would get in the way. Those on
// our own bridges are from an earlier run.
func checkExternal(external netip.Prefix, ours string) error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range interfaces {
		addresses, _ := i.Addrs()
		for _, a := range addresses {
			p, err := netip.ParsePrefix(a.String())
			if err == nil && p.Overlaps(external) && !strings.HasPrefix(i.Name, ours+"b") {
				return fmt.Errorf("%s is on %s: choose other addresses than %s with -external", p, i.Name, external)
			}
		}
	}
	return nil
}

const minFree = 2 << 30 // bytes

func checkDirectory(dir string) error {
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return fmt.Errorf("%w: choose another directory with -dir", err)
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return fmt.Errorf("measure %s: %w", dir, err)
	}
	if free := int64(disk.Bavail) * int64(disk.Bsize); free < minFree {
		return fmt.Errorf("%s has %d MiB left, and %d are needed: choose another directory with -dir", dir, free>>20, minFree>>20)
	}
	return checkWay(dir)
}

// checkWay warns of directories that QEMU, which need not run as root, cannot pass.
func checkWay(dir string) error {
	for at := dir; at != "/"; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("only its owner may enter %s, and QEMU runs as another user: chmod o+x it, or choose another directory with -dir", at)
		}
	}
	return nil
}
