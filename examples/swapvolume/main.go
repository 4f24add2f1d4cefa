// Command swapvolume is a cloud with a storage backend of its own: volumes are
// files on a NAS. The driver is nas.go, its test is nas_test.go, and listing it
// here is all that the cloud needs.
//
//	go run ./examples/swapvolume -nas /mnt/nas
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
	"github.com/nacre-cloud/nacre/volume"
)

func main() {
	dir := flag.String("nas", "", "directory of the volumes, the same on every host; a fresh one when empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "swapvolume:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "nas-"); err != nil {
			return err
		}
	}
	cloud, err := embedded.Start(ctx, embedded.Config{Options: withNAS(dir)})
	if err != nil {
		return err
	}
	fmt.Printf("Volumes are in %s. Try:\n\n  . %s && openstack volume create --size 1 disk\n", dir, filepath.Join(cloud.Dir, "openrc"))
	<-ctx.Done()
	return cloud.Stop(context.WithoutCancel(ctx))
}

// withNAS lists the backend, and makes it the one of volumes that ask for none.
func withNAS(dir string) []fx.Option {
	return []fx.Option{
		volume.AddBackend("nas", func() volume.Driver { return nas(dir) }),
		fx.Supply(volume.Config{DefaultBackend: "nas"}),
	}
}
