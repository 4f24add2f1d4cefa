package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io/fs"
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
	"github.com/nacre-cloud/nacre/network/networkrpc"
	objectfile "github.com/nacre-cloud/nacre/object/file"
	volumefile "github.com/nacre-cloud/nacre/volume/file"
)

// A control is what the control plane is told.
type control struct {
	listen, database, bus, dir, volumes, hosts string
}

func controlPart(f *flag.FlagSet, args []string) (fx.Option, error) {
	var c control
	f.StringVar(&c.listen, "listen", "127.0.0.1:5000", "address of the APIs; hosts fetch images from it")
	f.StringVar(&c.bus, "bus", "127.0.0.1:4222", "address to serve NATS on, or the URL of a NATS server that is there")
	f.StringVar(&c.database, "database", "", "postgres://user@host/name; a password belongs into ~/.pgpass")
	f.StringVar(&c.dir, "dir", "", "directory of keys, images and objects")
	f.StringVar(&c.volumes, "volumes", "", "directory of the volumes, the same on every host; DIR/volumes when empty")
	f.StringVar(&c.hosts, "hosts", "", "names of the hosts that carry networks, separated by commas")
	_ = f.Parse(args) // it exits by itself
	return c.part()
}

// part is the description of the control plane.
func (c control) part() (fx.Option, error) {
	dir, err := filepath.Abs(c.dir)
	if err != nil || c.dir == "" || c.database == "" || c.hosts == "" {
		return nil, fmt.Errorf("a control plane needs -dir, -database and -hosts")
	}
	if c.volumes == "" {
		c.volumes = filepath.Join(dir, "volumes")
	}
	for _, sub := range []string{"", "images", "objects"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	token, err := makeToken(tokenIn(dir))
	if err != nil {
		return nil, err
	}
	parts := []fx.Option{
		nacre.Control,
		c.broker(token),
		fx.Supply(
			db.Config{URL: c.database},
			rest.Config{Listen: c.listen},
			identity.Config{Keys: filepath.Join(dir, "keys"), AdminPasswordFile: filepath.Join(dir, "admin-password")},
		),
		imagefile.Store("file", filepath.Join(dir, "images")),
		objectfile.Backend("file", filepath.Join(dir, "objects")),
		volumefile.Backend("shared", volumefile.Config{Dir: c.volumes}),
	}
	for name := range strings.SplitSeq(c.hosts, ",") {
		parts = append(parts, networkrpc.AddHost(name))
	}
	return fx.Options(parts...), nil
}

// broker is the bus: a NATS server in this process, or one elsewhere.
func (c control) broker(token string) fx.Option {
	if strings.Contains(c.bus, "://") {
		return nats.Module(nats.Config{URL: c.bus, Token: token})
	}
	return nats.Embedded(nats.ServerConfig{Listen: c.bus, Token: token})
}

func tokenIn(dir string) string { return filepath.Join(dir, "bus-token") }

// makeToken returns the secret of the bus, which the first start makes.
func makeToken(file string) (string, error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return readToken(file)
	}
	if err != nil {
		return "", err
	}
	token := rand.Text()
	_, err = f.WriteString(token + "\n")
	return token, errors.Join(err, f.Close())
}

// readToken returns the secret of the bus.
func readToken(file string) (string, error) {
	text, err := os.ReadFile(file)
	token := strings.TrimSpace(string(text))
	if err == nil && token == "" {
		err = fmt.Errorf("%s holds no token", file)
	}
	return token, err
}
