// Command embedded is the whole cloud in one process, in pure Go and without
// root: servers, networks and volumes in RAM, everything else in one directory.
//
//	go run ./examples/embedded -listen 127.0.0.1:5000 -dir /tmp/cloud
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nacre-cloud/nacre/embedded"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to serve on")
	dir := flag.String("dir", "", "directory of the cloud; a fresh one when empty")
	hosts := flag.Int("hosts", 2, "number of hosts")
	verbose := flag.Bool("v", false, "log what happens")
	flag.Parse()
	if err := run(embedded.Config{Listen: *listen, Dir: *dir, Hosts: *hosts}, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "embedded:", err)
		os.Exit(1)
	}
}

func run(c embedded.Config, verbose bool) error {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelDebug
	}
	began := time.Now()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	collectRarely(ctx)
	c.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	cloud, err := embedded.Start(ctx, c)
	if err != nil {
		return err
	}
	fmt.Printf(`A cloud is up at %s after %s.

  . %s && openstack server list
  OS_CLIENT_CONFIG_FILE=%s openstack --os-cloud nacre image list

Ctrl-C ends it; what it keeps is in %s.
`, cloud.URL(), time.Since(began).Round(time.Millisecond), filepath.Join(cloud.Dir, "openrc"), filepath.Join(cloud.Dir, "clouds.yaml"), cloud.Dir)
	<-ctx.Done()
	limit, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return cloud.Stop(limit)
}
