package main

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre"
	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/libvirt"
	"github.com/nacre-cloud/nacre/identity"
	imagefile "github.com/nacre-cloud/nacre/image/file"
	"github.com/nacre-cloud/nacre/internal/access"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network/bridge"
	objectfile "github.com/nacre-cloud/nacre/object/file"
	volumefile "github.com/nacre-cloud/nacre/volume/file"
)

// config says where the cloud is and what it stands on.
type config struct {
	listen     string
	dir        string // absolute
	host       string
	external   netip.Prefix // addresses of gateways and floating IPs
	hypervisor libvirt.Config
	networks   bridge.Config
	log        *slog.Logger
}

func (c config) path(name string) string { return filepath.Join(c.dir, name) }

// modules is the description of the cloud.
func (c config) modules() fx.Option {
	c.hypervisor.Dir = c.path("servers")
	return fx.Options(
		nacre.Single,
		fx.Supply(
			c.log,
			db.Config{URL: "sqlite:" + c.path("cloud.db")},
			rest.Config{Listen: c.listen},
			identity.Config{Keys: c.path("keys"), AdminPasswordFile: c.path(passwordFile)},
		),
		libvirt.Host(c.host, c.hypervisor, compute.AgentConfig{}),
		bridge.Host(c.host, c.networks),
		imagefile.Store("file", c.path("images")),
		volumefile.Backend("file", volumefile.Config{Dir: c.path("volumes")}),
		objectfile.Backend("file", c.path("objects")),
	)
}

const passwordFile = "admin-password"

// directories are what the cloud keeps its things in. QEMU may run as a user of its
// own: it needs the way to its files, but not the list.
var directories = map[string]os.FileMode{
	"": 0o711, "servers": 0o711, "volumes": 0o711, "images": 0o700, "objects": 0o700,
}

// start starts the cloud, gives a new one what a first user needs, and writes how
// to reach it.
func start(ctx context.Context, c config) (*nacre.Cloud, error) {
	for name, mode := range directories {
		if err := os.MkdirAll(c.path(name), mode); err != nil {
			return nil, err
		}
	}
	cloud, err := nacre.New(c.modules())
	if err != nil {
		return nil, err
	}
	if err := cloud.Start(ctx); err != nil {
		return nil, err
	}
	if err := finish(ctx, c, cloud); err != nil {
		_ = cloud.Stop(context.WithoutCancel(ctx)) // the error that led here says more
		return nil, err
	}
	return cloud, nil
}

func finish(ctx context.Context, c config, cloud *nacre.Cloud) error {
	password, err := os.ReadFile(c.path(passwordFile))
	if err != nil {
		return err
	}
	if err := seed(ctx, cloud, c.external); err != nil {
		return err
	}
	return access.Write(c.dir, cloud.URL()+"/identity/v3", strings.TrimSpace(string(password)))
}
