package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre"
	"github.com/nacre-cloud/nacre/identity"
	imagefile "github.com/nacre-cloud/nacre/image/file"
	"github.com/nacre-cloud/nacre/kit/bus/nats"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/rest"
	objectfile "github.com/nacre-cloud/nacre/object/file"
	volumefile "github.com/nacre-cloud/nacre/volume/file"
)

// A control is what the control plane is told.
type control struct {
	listen, database, bus, dir, volumes string
}

func controlPart(f *flag.FlagSet, args []string) (fx.Option, error) {
	var c control
	f.StringVar(&c.listen, "listen", "127.0.0.1:5000", "address of the APIs; hosts fetch images from it")
	f.StringVar(&c.bus, "bus", "127.0.0.1:4222", "address to serve NATS on, or the URL of a NATS server that is there")
	f.StringVar(&c.database, "database", "", "postgres://user@host/name; a password belongs into ~/.pgpass")
	f.StringVar(&c.dir, "dir", "", "directory of keys, images and objects")
	f.StringVar(&c.volumes, "volumes", "", "directory of the volumes, the same on every host; DIR/volumes when empty")
	_ = f.Parse(args) // it exits by itself
	return c.part()
}

// part is the description of the control plane.
func (c control) part() (fx.Option, error) {
	dir, err := filepath.Abs(c.dir)
	if err != nil || c.dir == "" || c.database == "" {
		return nil, fmt.Errorf("a control plane needs -dir and -database")
	}
	if err := errors.Join(public("-database", c.database), public("-bus", c.bus)); err != nil {
		return nil, err
	}
	if c.volumes == "" {
		c.volumes = filepath.Join(dir, "volumes")
	}
	for _, sub := range []string{"", "images", "objects"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	broker, err := c.broker(tokenIn(dir))
	if err != nil {
		return nil, err
	}
	return fx.Options(
		nacre.Control,
		broker,
		fx.Supply(
			db.Config{URL: c.database},
			rest.Config{Listen: c.listen},
			identity.Config{Keys: filepath.Join(dir, "keys"), AdminPasswordFile: filepath.Join(dir, "admin-password")},
		),
		imagefile.Store("file", filepath.Join(dir, "images")),
		objectfile.Backend("file", filepath.Join(dir, "objects")),
		volumefile.Backend("shared", volumefile.Config{Dir: c.volumes}),
	), nil
}

// broker is the bus: a NATS server in this process, or one elsewhere, whose token
// its operator has put into the file.
func (c control) broker(file string) (fx.Option, error) {
	if strings.Contains(c.bus, "://") {
		token, err := readToken(file)
		return nats.Module(nats.Config{URL: c.bus, Token: token}), err
	}
	token, err := makeToken(file)
	return nats.Embedded(nats.ServerConfig{Listen: c.bus, Token: token}), err
}
