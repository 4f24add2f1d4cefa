// Command single is a real cloud on this machine: servers under libvirt and QEMU,
// networks as Linux bridges, volumes, images and objects as files, and SQLite. It
// needs root, and first checks whatever else it needs.
//
//	go run -tags libvirt ./examples/single -dir /var/lib/nacre -listen 127.0.0.1:5000
//
// Servers, networks and volumes stay when it ends, and it takes them up again when
// it is started with the same directory.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	c, code := parse(args, errs)
	if code >= 0 {
		return code
	}
	if lacks := check(ctx, c); len(lacks) > 0 {
		fmt.Fprintln(errs, "This machine cannot run the cloud yet:")
		for _, l := range lacks {
			fmt.Fprintln(errs, "  -", l)
		}
		return 1
	}
	if err := serve(ctx, c, out); err != nil {
		fmt.Fprintln(errs, "single:", err)
		return 1
	}
	return 0
}

// parse returns an exit code below 0 when the program is to go on.
func parse(args []string, errs io.Writer) (config, int) {
	var c config
	var external string
	flags := flag.NewFlagSet("single", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.StringVar(&c.listen, "listen", "127.0.0.1:5000", "address to serve on")
	flags.StringVar(&c.dir, "dir", "/var/lib/nacre", "directory of the cloud")
	flags.StringVar(&external, "external", "198.51.100.0/24", "addresses of the network that leads outside")
	flags.StringVar(&c.hypervisor.URI, "libvirt", "qemu:///system", "where libvirt answers")
	flags.StringVar(&c.networks.Prefix, "prefix", "nc", "begins the names of devices, namespaces and tables; two clouds on a machine need two")
	verbose := flags.Bool("v", false, "log what happens")
	if err := flags.Parse(args); err != nil {
		return c, 2
	}
	var err error
	if c.external, err = netip.ParsePrefix(external); err != nil || !c.external.Addr().Is4() || c.external.Bits() > 29 {
		fmt.Fprintf(errs, "single: -external %s: use an IPv4 range of at least 8 addresses, such as 198.51.100.0/24\n", external)
		return c, 2
	}
	c.external = c.external.Masked()
	if c.dir, err = filepath.Abs(c.dir); err == nil {
		c.host, err = os.Hostname()
	}
	if err != nil {
		fmt.Fprintln(errs, "single:", err)
		return c, 1
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	c.log = slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: level}))
	return c, -1
}

func serve(ctx context.Context, c config, out io.Writer) error {
	began := time.Now()
	cloud, err := start(ctx, c)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, `A cloud is up at %s after %s.

  . %s && openstack server list
  OS_CLIENT_CONFIG_FILE=%s openstack --os-cloud nacre image list

Ctrl-C ends it. Its servers go on, and are taken up again from %s.
`, cloud.URL(), time.Since(began).Round(time.Millisecond), c.path("openrc"), c.path("clouds.yaml"), c.dir)
	<-ctx.Done()
	limit, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return cloud.Stop(limit)
}
