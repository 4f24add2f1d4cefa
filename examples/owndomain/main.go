// Command owndomain is a cloud with a ninth domain, added by its integrator
// without a change to Nacre: names in the DNS for servers. Package dns is the
// domain, and listing it here is all that the cloud needs.
//
//	go run ./examples/owndomain -zone cloud.example -hosts /etc/dnsmasq.hosts
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/embedded"
	"github.com/nacre-cloud/nacre/examples/owndomain/dns"
)

func main() {
	var c dns.Config
	flag.StringVar(&c.Zone, "zone", "cloud.example", "zone of the names")
	flag.StringVar(&c.Dir, "hosts", "", "directory that dnsmasq reads with --hostsdir; a fresh one when empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, "owndomain:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c dns.Config) (err error) {
	if c.Dir == "" {
		if c.Dir, err = os.MkdirTemp("", "hosts-"); err != nil {
			return err
		}
	}
	cloud, err := embedded.Start(ctx, embedded.Config{Options: withDNS(c)})
	if err != nil {
		return err
	}
	fmt.Printf("Names are in %s, and at %s/dns/v1/records. Try:\n\n  . %s && openstack server create …\n",
		c.Dir, cloud.URL(), filepath.Join(cloud.Dir, "openrc"))
	<-ctx.Done()
	return cloud.Stop(context.WithoutCancel(ctx))
}

// withDNS lists the domain.
func withDNS(c dns.Config) []fx.Option { return []fx.Option{dns.Module, fx.Supply(c)} }
