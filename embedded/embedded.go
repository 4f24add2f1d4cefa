// Package embedded is a whole cloud in this process: pure Go, no privileges, no
// configuration. Servers, networks and volumes live in RAM and end with the
// process; everything else is kept in one directory.
//
// A test that needs an OpenStack has one in three lines:
//
//	cloud, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir()})
//	if err != nil { t.Fatal(err) }
//	t.Cleanup(func() { cloud.Stop(context.Background()) })
//
// and reaches it as cloud.AuthURL(), user admin, project admin, domain Default,
// password cloud.Password — or calls the services in it without HTTP.
package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre"
	"github.com/nacre-cloud/nacre/compute"
	computememory "github.com/nacre-cloud/nacre/compute/memory"
	"github.com/nacre-cloud/nacre/identity"
	imagefile "github.com/nacre-cloud/nacre/image/file"
	"github.com/nacre-cloud/nacre/internal/access"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
	networkmemory "github.com/nacre-cloud/nacre/network/memory"
	objectfile "github.com/nacre-cloud/nacre/object/file"
	volumememory "github.com/nacre-cloud/nacre/volume/memory"
)

// Config says where the cloud is. The zero Config is a free loopback port and a
// fresh directory.
type Config struct {
	Listen string // "127.0.0.1:5000"
	Dir    string // made when it is not there; one that was used before is continued
	Log    *slog.Logger
	// Hosts is the number of hosts; 0 means 2.
	Hosts int
	// Options are added to the cloud's modules, such as another driver or domain.
	Options []fx.Option
}

// A Cloud runs until Stop.
type Cloud struct {
	*nacre.Cloud
	Dir      string
	Password string // the administrator's
}

// Start starts a cloud, gives it what a first user needs, and writes openrc and
// clouds.yaml into its directory.
func Start(ctx context.Context, c Config) (*Cloud, error) {
	if c.Dir == "" {
		dir, err := os.MkdirTemp("", "nacre-")
		if err != nil {
			return nil, fault.Unavailable.Wrap(err, "embedded: make a directory")
		}
		c.Dir = dir
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fault.Invalid.Wrap(err, "embedded")
	}
	for _, sub := range []string{"", "images", "objects"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fault.Unavailable.Wrap(err, "embedded")
		}
	}
	n, err := nacre.New(append(modules(c, dir), c.Options...)...)
	if err != nil {
		return nil, err
	}
	cloud := &Cloud{Cloud: n, Dir: dir}
	if err := n.Start(ctx); err != nil {
		return nil, err
	}
	if err := cloud.finish(ctx); err != nil {
		_ = n.Stop(context.WithoutCancel(ctx)) // the error that led here says more
		return nil, err
	}
	return cloud, nil
}

// modules is the description of the cloud.
func modules(c Config, dir string) []fx.Option {
	options := []fx.Option{
		nacre.Single,
		fx.Supply(
			c.Log,
			db.Config{URL: "sqlite:" + filepath.Join(dir, "cloud.db")},
			rest.Config{Listen: c.Listen},
			identity.Config{Keys: filepath.Join(dir, "keys"), AdminPasswordFile: filepath.Join(dir, passwordFile)},
		),
		imagefile.Store("file", filepath.Join(dir, "images")),
		objectfile.Backend("file", filepath.Join(dir, "objects")),
		volumememory.Backend("memory"),
	}
	if c.Hosts <= 0 {
		c.Hosts = 2
	}
	for i := range c.Hosts {
		name := fmt.Sprintf("host%d", i+1)
		options = append(options,
			network.AddHost(name, func() network.Driver { return networkmemory.New() }),
			computememory.Host(name, computememory.Config{}, compute.AgentConfig{}))
	}
	return options
}

const passwordFile = "admin-password"

// finish makes the cloud usable and says how to reach it.
func (c *Cloud) finish(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(c.Dir, passwordFile))
	if err != nil {
		return fault.Unavailable.Wrap(err, "embedded: the administrator's password")
	}
	c.Password = strings.TrimSpace(string(text))
	if err := c.seed(ctx); err != nil {
		return err
	}
	return access.Write(c.Dir, c.AuthURL(), c.Password)
}

// AuthURL returns where tokens are made.
func (c *Cloud) AuthURL() string { return c.URL() + "/identity/v3" }
