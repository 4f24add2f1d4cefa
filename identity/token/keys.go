package token

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fernet/fernet-go"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// staged is the name of the key that the next rotation makes primary. Every
// process knows it before the first token is made with it.
const staged = 0

// lookAgain is how long keys are used before the directory is looked at again.
const lookAgain = 10 * time.Second

// Keys are the keys in one directory, mode 0700, one file of mode 0600 each,
// named by number: the highest is primary and makes tokens, 0 is staged, the
// others only verify. A change of the directory is noticed within seconds.
// The layout is that of Keystone's key repository.
type Keys struct {
	dir string
	now func() time.Time

	mu     sync.Mutex
	loaded atomic.Pointer[loadedKeys]
}

type loadedKeys struct {
	ring    []*fernet.Key // primary first
	changed time.Time     // the directory's, when they were read
	looked  time.Time
}

// NewKeys returns the keys in dir. Nothing is read before they are used.
func NewKeys(dir string) *Keys { return &Keys{dir: dir, now: time.Now} }

// Setup makes the directory and its first keys where they are missing. Several
// processes may do so at once and end with the same keys.
func (k *Keys) Setup() error {
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return fault.Unavailable.Wrap(err, "token keys")
	}
	if err := checkMode(k.dir, true); err != nil {
		return err
	}
	names, err := k.names()
	if err != nil {
		return err
	}
	var missing []int
	if len(names) == 0 || slices.Max(names) == staged {
		missing = append(missing, 1)
	}
	if !slices.Contains(names, staged) {
		missing = append(missing, staged)
	}
	for _, name := range missing {
		if err := k.create(name); err != nil && !errors.Is(err, fs.ErrExist) {
			return fault.Unavailable.Wrap(err, "token keys")
		}
	}
	return nil
}

// Rotate makes the staged key primary, stages a new one and removes the oldest
// until keep are left, at least three: staged, primary and one for the tokens
// that are still out. Of two rotations at once one is a Conflict.
func (k *Keys) Rotate(keep int) error {
	names, err := k.names()
	if err != nil {
		return err
	}
	if len(names) == 0 || names[0] != staged {
		return fault.Conflict.Errorf("token keys: %s has no staged key; set it up first", k.dir)
	}
	next := names[len(names)-1] + 1
	if err := os.Link(k.path(staged), k.path(next)); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fault.Conflict.Errorf("token keys: %s is being rotated already", k.dir)
		}
		return fault.Unavailable.Wrap(err, "rotate token keys")
	}
	if err := k.replaceStaged(); err != nil {
		return fault.Unavailable.Wrap(err, "rotate token keys")
	}
	old := names[1:]
	for len(old) > max(keep, 3)-2 {
		if err := os.Remove(k.path(old[0])); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Unavailable.Wrap(err, "remove an old token key")
		}
		old = old[1:]
	}
	k.loaded.Store(nil)
	return nil
}

// PrimarySince returns when the primary key became primary.
func (k *Keys) PrimarySince() (time.Time, error) {
	names, err := k.names()
	if err != nil {
		return time.Time{}, err
	}
	if len(names) < 2 {
		return time.Time{}, fault.Unavailable.Errorf("token keys: %s is not set up", k.dir)
	}
	info, err := os.Stat(k.path(names[len(names)-1]))
	if err != nil {
		return time.Time{}, fault.Unavailable.Wrap(err, "token keys")
	}
	return info.ModTime(), nil
}

// ring returns the keys, primary first.
func (k *Keys) ring() ([]*fernet.Key, error) {
	if l := k.loaded.Load(); l != nil && k.now().Sub(l.looked) < lookAgain {
		return l.ring, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.loaded.Load()
	if l != nil && k.now().Sub(l.looked) < lookAgain {
		return l.ring, nil
	}
	info, err := os.Stat(k.dir)
	if err != nil {
		return nil, fault.Unavailable.Wrap(err, "token keys")
	}
	next := &loadedKeys{changed: info.ModTime(), looked: k.now()}
	if l != nil && l.changed.Equal(next.changed) {
		next.ring = l.ring
	} else if next.ring, err = k.read(); err != nil {
		return nil, err
	}
	k.loaded.Store(next)
	return next.ring, nil
}

func (k *Keys) read() ([]*fernet.Key, error) {
	if err := checkMode(k.dir, true); err != nil {
		return nil, err
	}
	names, err := k.names()
	if err != nil {
		return nil, err
	}
	var ring []*fernet.Key
	for _, name := range slices.Backward(names) {
		path := k.path(name)
		if err := checkMode(path, false); err != nil {
			return nil, err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fault.Unavailable.Wrap(err, "token keys")
		}
		key, err := fernet.DecodeKey(strings.TrimSpace(string(text)))
		if err != nil {
			return nil, fault.Unavailable.Errorf("token keys: %s is not a Fernet key", path)
		}
		ring = append(ring, key)
	}
	if len(ring) == 0 || names[len(names)-1] == staged {
		return nil, fault.Unavailable.Errorf("token keys: %s holds no primary key; start identity first, or copy its keys here", k.dir)
	}
	return ring, nil
}

// names returns the numbers of the keys, ascending.
func (k *Keys) names() ([]int, error) {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return nil, fault.Unavailable.Wrap(err, "token keys")
	}
	var names []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n >= 0 && strconv.Itoa(n) == e.Name() {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (k *Keys) path(name int) string { return filepath.Join(k.dir, strconv.Itoa(name)) }

// create writes a new key under name, which must be free.
func (k *Keys) create(name int) error {
	return k.withNewKey(func(tmp string) error { return os.Link(tmp, k.path(name)) })
}

// replaceStaged writes a new key over the staged one. The primary's clock
// starts with its rotation, not with its making.
func (k *Keys) replaceStaged() error {
	now := time.Now()
	if err := os.Chtimes(k.path(staged), now, now); err != nil {
		return err
	}
	return k.withNewKey(func(tmp string) error { return os.Rename(tmp, k.path(staged)) })
}

// withNewKey calls place with a file that holds a new key and is on the disk.
func (k *Keys) withNewKey(place func(tmp string) error) error {
	var key fernet.Key
	if err := key.Generate(); err != nil {
		return fmt.Errorf("generate a key: %w", err)
	}
	f, err := os.CreateTemp(k.dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(key.Encode())
	err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := place(f.Name()); err != nil {
		return err
	}
	return syncDir(k.dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// checkMode refuses what others than the owner can reach.
func checkMode(path string, dir bool) error {
	info, err := os.Stat(path)
	if err != nil {
		return fault.Unavailable.Wrap(err, "token keys")
	}
	if info.IsDir() != dir || (!dir && !info.Mode().IsRegular()) {
		return fault.Unavailable.Errorf("token keys: %s is not what it should be", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fault.Unavailable.Errorf("token keys: %s has mode %04o; others must not reach it: chmod go= %s", path, mode, path)
	}
	return nil
}
