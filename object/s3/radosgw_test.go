package s3_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/machinetest"
	"github.com/nacre-cloud/nacre/object/s3"
)

const (
	accessKey = "test-access"
	secretKey = "test-secret"
)

// conf is a Ceph cluster of one process of each kind, in RAM, on loopback.
const conf = `[global]
fsid = 6ba3a2ea-6d0c-4a5c-9f0e-5a2f6e1f7c11
mon host = v1:127.0.0.1:%[2]d
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr2 = false
keyring = %[1]s/keyring
log file = %[1]s/$name.log
run dir = %[1]s
admin socket = %[1]s/$name.asok
pid file =
crash dir = %[1]s
mon data = %[1]s/mon
osd data = %[1]s/osd
osd objectstore = memstore
memstore device bytes = 2147483648
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data avail crit = 1
auth allow insecure global id reclaim = false
paxos propose interval = 0.05
paxos min wait = 0.02
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:%[3]d tcp_nodelay=1
rgw data = %[1]s
rgw crypt require ssl = false
rgw enable usage log = false
`

// radosgw returns a store that lives as long as the test program, or skips the
// test where Ceph is not installed.
func radosgw(t *testing.T) s3.Config {
	t.Helper()
	for _, tool := range []string{"ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph-authtool", "monmaptool"} {
		machinetest.Program(t, tool, "ceph-mon, ceph-osd, ceph-common or radosgw")
	}
	endpoint, err := cluster()
	if err != nil {
		t.Fatal(err)
	}
	return s3.Config{Endpoint: endpoint, AccessKey: accessKey, SecretKey: secretKey, Insecure: true}
}

// running are the daemons to end with the test program.
var running struct {
	dir     string
	daemons []*exec.Cmd
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, d := range running.daemons {
		_ = d.Process.Kill()
		_ = d.Wait()
	}
	_ = os.RemoveAll(running.dir)
	os.Exit(code)
}

var cluster = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "nacre-radosgw-")
	if err != nil {
		return "", err
	}
	running.dir = dir
	monPort, gwPort := freePort(), freePort()
	path := filepath.Join(dir, "ceph.conf")
	if err := os.WriteFile(path, fmt.Appendf(nil, conf, dir, monPort, gwPort), 0o600); err != nil {
		return "", err
	}
	c := ceph{dir, path}
	steps := []func() error{
		c.makeKeys,
		func() error {
			return c.run("monmaptool", "--create", "--addv", "a", fmt.Sprintf("[v1:127.0.0.1:%d]", monPort), "--fsid", "6ba3a2ea-6d0c-4a5c-9f0e-5a2f6e1f7c11", dir+"/monmap")
		},
		func() error {
			return c.run("ceph-mon", "-c", path, "--mkfs", "-i", "a", "--monmap", dir+"/monmap", "--keyring", dir+"/keyring")
		},
		func() error { return c.start("ceph-mon", "-i", "a") },
		func() error { return c.run("ceph", "-c", path, "--connect-timeout", "30", "osd", "new", osdID) },
		func() error { return os.Mkdir(dir+"/osd", 0o700) },
		func() error { return c.run("ceph-osd", "-c", path, "-i", "0", "--mkfs", "--osd-uuid", osdID) },
		func() error { return c.start("ceph-osd", "-i", "0") },
		func() error {
			return c.run("radosgw-admin", "-c", path, "user", "create", "--uid=test", "--display-name=test", "--access-key="+accessKey, "--secret-key="+secretKey)
		},
		func() error { return c.start("radosgw", "-n", "client.rgw.a") },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return "", err
		}
	}
	endpoint := fmt.Sprintf("127.0.0.1:%d", gwPort)
	return endpoint, reachable(endpoint)
})

const osdID = "2d1d3c0e-27f5-4ac8-8c0c-3a6cf4b8d0a1"

type ceph struct{ dir, conf string }

// makeKeys writes the keyring that all daemons share.
func (c ceph) makeKeys() error {
	keys := [][]string{
		{"mon.", "--cap", "mon", "allow *"},
		{"client.admin", "--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *"},
		{"osd.0", "--cap", "mon", "allow profile osd", "--cap", "osd", "allow *"},
		{"client.rgw.a", "--cap", "mon", "allow rw", "--cap", "osd", "allow rwx"},
	}
	for i, k := range keys {
		args := []string{filepath.Join(c.dir, "keyring"), "--gen-key"}
		if i == 0 {
			args = append(args, "--create-keyring")
		}
		if err := c.run("ceph-authtool", append(append(args, "-n"), k...)...); err != nil {
			return err
		}
	}
	return nil
}

func (c ceph) run(name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "CEPH_CONF="+c.conf)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// start runs a daemon in the foreground, to die with this program however it ends.
func (c ceph) start(name string, args ...string) error {
	cmd := exec.Command(name, append([]string{"-f", "-c", c.conf}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	running.daemons = append(running.daemons, cmd)
	return nil
}

func freePort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func reachable(endpoint string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * time.Minute); ; <-tick.C {
		conn, err := net.Dial("tcp", endpoint)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(end) {
			return err
		}
	}
}
