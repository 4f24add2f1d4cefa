// Package libvirttest gives tests a hypervisor of their own: a libvirtd in a mount
// namespace, beside whatever runs on the machine, and a small guest to boot.
//
// It needs root and the packages of the demo. Where they are missing a test is
// skipped with the reason, and fails where the environment says CI=true.
package libvirttest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/machinetest"
)

// A Host is a running libvirtd.
type Host struct {
	URI       string
	dir       string
	namespace string
	cmd       *exec.Cmd
}

// Without systemd and D-Bus, as root, and nothing that needs the kernel's help.
const qemuConf = `user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
`

const libvirtdConf = `auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:stderr"
`

// The directories that a libvirtd takes for its own, each replaced by one of the test's.
var own = map[string]string{
	"run": "/run/libvirt", "etc": "/etc/libvirt", "log": "/var/log/libvirt",
	"lib": "/var/lib/libvirt", "cache": "/var/cache/libvirt",
}

// Start starts a libvirtd that ends, with its guests, when the test ends.
func Start(tb testing.TB) *Host {
	tb.Helper()
	return StartIn(tb, "")
}

// StartIn is Start in a network namespace that ip-netns knows by that name.
func StartIn(tb testing.TB, namespace string) *Host {
	tb.Helper()
	machinetest.Root(tb, "a libvirtd of its own")
	for program, pack := range map[string]string{
		"libvirtd": "libvirt-daemon-system", "unshare": "util-linux", "qemu-img": "qemu-utils", "qemu-system-x86_64": "qemu-system-x86",
	} {
		machinetest.Program(tb, program, pack)
	}
	h := &Host{dir: tb.TempDir(), namespace: namespace}
	h.URI = "qemu+unix:///system?socket=" + h.socket()
	for name := range own {
		if err := os.Mkdir(filepath.Join(h.dir, name), 0o755); err != nil {
			tb.Fatal(err)
		}
	}
	for name, content := range map[string]string{"qemu.conf": qemuConf, "libvirtd.conf": libvirtdConf} {
		if err := os.WriteFile(filepath.Join(h.dir, "etc", name), []byte(content), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	h.Up(tb)
	tb.Cleanup(func() {
		h.Kill()
		h.killGuests()
		if tb.Failed() {
			log, _ := os.ReadFile(h.logFile())
			tb.Logf("libvirtd said:\n%s", log)
		}
	})
	return h
}

// Up starts the libvirtd and waits until it answers.
func (h *Host) Up(tb testing.TB) {
	tb.Helper()
	var script strings.Builder
	for name, dir := range own {
		fmt.Fprintf(&script, "mkdir -p %s && mount --bind %s %s && ", dir, filepath.Join(h.dir, name), dir)
	}
	script.WriteString("exec libvirtd -f /etc/libvirt/libvirtd.conf -p /run/libvirt/libvirtd.pid")
	log, err := os.OpenFile(h.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer log.Close()
	command := []string{"unshare", "--mount", "--propagation", "private", "sh", "-c", script.String()}
	if h.namespace != "" {
		command = append([]string{"ip", "netns", "exec", h.namespace}, command...)
	}
	h.cmd = exec.Command(command[0], command[1:]...)
	h.cmd.Stdout, h.cmd.Stderr = log, log
	if err := h.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(20 * time.Second); ; <-ticker.C {
		if c, err := net.Dial("unix", h.socket()); err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(end) {
			tb.Fatal("libvirtd does not answer")
		}
	}
}

// Kill ends the libvirtd as a crash would; its guests go on.
func (h *Host) Kill() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
	_ = os.Remove(h.socket())
}

// PowerCut ends the libvirtd, its guests and all that a machine forgets when it
// loses power, and starts the libvirtd again after what dark does meanwhile.
func (h *Host) PowerCut(tb testing.TB, dark func()) {
	tb.Helper()
	h.Kill()
	h.killGuests()
	run := filepath.Join(h.dir, "run")
	for _, err := range []error{os.RemoveAll(run), os.Mkdir(run, 0o755)} {
		if err != nil {
			tb.Fatal(err)
		}
	}
	dark()
	h.Up(tb)
}

// Path returns where a file of the libvirtd's namespace is seen from outside.
func (h *Host) Path(inside string) string {
	return filepath.Join("/proc", strconv.Itoa(h.cmd.Process.Pid), "root", inside)
}

// LogDir returns where QEMU's messages are.
func (h *Host) LogDir() string { return filepath.Join(h.dir, "log", "qemu") }

// Leftovers returns the files that libvirt keeps about any guest.
func (h *Host) Leftovers(guest string) []string {
	var found []string
	_ = filepath.WalkDir(h.dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && strings.Contains(e.Name(), guest) {
			found = append(found, path)
		}
		return nil
	})
	return found
}

func (h *Host) socket() string { return filepath.Join(h.dir, "run", "libvirt-sock") }

func (h *Host) logFile() string { return filepath.Join(h.dir, "stderr") }

func (h *Host) killGuests() {
	files, _ := filepath.Glob(filepath.Join(h.dir, "run", "qemu", "*.pid"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// Guest builds the guest of tools/guest and returns its qcow2 file.
func Guest(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	cmd := exec.Command("go", "run", "github.com/nacre-cloud/nacre/tools/guest", "-o", dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		machinetest.Missing(tb, "the guest cannot be built: %v\n%s", err, out)
	}
	return filepath.Join(dir, "guest.qcow2")
}
