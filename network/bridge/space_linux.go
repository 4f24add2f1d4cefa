package bridge

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const spaces = "/run/netns" // where ip-netns(8) looks

// A space is a network namespace with a name, open for changes.
type space struct {
	name  string
	ns    netns.NsHandle
	nl    *netlink.Handle
	fresh bool // made just now
}

// openSpace opens the namespace called name and makes it when it is not there. setup are the
// sysctls below /proc/sys/net that it should have.
func openSpace(name string, setup map[string]string) (*space, error) {
	s := &space{name: name}
	if !isSpace(name) {
		// A file that is no namespace was left by a crash or by a mount namespace that died.
		if err := dropSpace(name); err != nil {
			return nil, err
		}
		if err := makeSpace(name); err != nil {
			return nil, fmt.Errorf("make namespace %s: %w", name, err)
		}
		s.fresh = true
	}
	var err error
	if s.ns, err = netns.GetFromName(name); err != nil {
		return nil, fmt.Errorf("open namespace %s: %w", name, err)
	}
	if s.nl, err = netlink.NewHandleAt(s.ns, unix.NETLINK_ROUTE, unix.NETLINK_NETFILTER); err != nil {
		_ = s.ns.Close()
		return nil, fmt.Errorf("netlink in namespace %s: %w", name, err)
	}
	if err := s.prepare(setup); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *space) prepare(setup map[string]string) error {
	lo, err := s.nl.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("namespace %s: %w", s.name, err)
	}
	if err := s.nl.LinkSetUp(lo); err != nil {
		return fmt.Errorf("namespace %s: %w", s.name, err)
	}
	return within(s.ns, func() error {
		for key, value := range setup {
			if err := os.WriteFile(filepath.Join("/proc/sys/net", key), []byte(value), 0); err != nil {
				return fmt.Errorf("namespace %s: %w", s.name, err)
			}
		}
		return nil
	})
}

// Close gives the handles back; the namespace stays.
func (s *space) Close() {
	s.nl.Close()
	_ = s.ns.Close()
}

// within runs f on a thread inside ns. Sockets opened by f stay there.
func within(ns netns.NsHandle, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := netns.Set(ns); err != nil {
			done <- fmt.Errorf("enter namespace: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}

func makeSpace(name string) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // as above
		ns, err := netns.NewNamed(name)
		if err == nil {
			err = ns.Close()
		}
		done <- err
	}()
	return <-done
}

func isSpace(name string) bool {
	var st unix.Statfs_t
	err := unix.Statfs(filepath.Join(spaces, name), &st)
	return err == nil && st.Type == unix.NSFS_MAGIC
}

func dropSpace(name string) error {
	path := filepath.Join(spaces, name)
	for unix.Unmount(path, unix.MNT_DETACH) == nil { // mounts may lie on one another
		continue
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove namespace: %w", err)
	}
	return nil
}

// spacesWith lists the names with a prefix, also of those that are no namespaces any more.
func spacesWith(prefix string) ([]string, error) {
	entries, err := os.ReadDir(spaces)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list namespaces: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
