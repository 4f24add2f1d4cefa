package token_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/fault"
)

func TestKeysRotateWithoutLosingTokens(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	k := token.NewKeys(dir)
	if err := k.Setup(); err != nil {
		t.Fatal(err)
	}
	elsewhere := token.NewKeys(dir)
	first := issue(t, k, typical())
	if _, err := token.Verify(elsewhere, first, issued); err != nil {
		t.Fatal(err)
	}
	if err := k.Rotate(3); err != nil {
		t.Fatal(err)
	}
	second := issue(t, k, typical())
	for name, tok := range map[string]string{"before": first, "after": second} {
		if _, err := token.Verify(k, tok, issued); err != nil {
			t.Errorf("the token made %s the rotation: %v", name, err)
		}
	}
	if _, err := token.Verify(elsewhere, second, issued); err != nil {
		t.Errorf("a process that has not looked since knows the staged key: %v", err)
	}
	if err := k.Rotate(3); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(k, first, issued); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("a key is gone after two rotations: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 3 {
		t.Errorf("keep three keys, have %d files", len(entries))
	}
}

func TestKeysOthersCanReachAreRefused(t *testing.T) {
	for name, loosen := range map[string]func(dir string) error{
		"directory": func(dir string) error { return os.Chmod(dir, 0o750) },
		"file":      func(dir string) error { return os.Chmod(filepath.Join(dir, "1"), 0o644) },
		"no key":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "1"), []byte("hello"), 0o600) },
		"no keys": func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "0")), os.Remove(filepath.Join(dir, "1")))
		},
		"gone": os.RemoveAll,
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "keys")
			k := token.NewKeys(dir)
			if err := errors.Join(k.Setup(), loosen(dir)); err != nil {
				t.Fatal(err)
			}
			if _, err := token.Issue(k, typical()); !errors.Is(err, fault.Unavailable) {
				t.Errorf("Issue = %v", err)
			}
		})
	}
}

func TestKeysAreMadePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if err := token.NewKeys(dir).Setup(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, dir + "/0": 0o600, dir + "/1": 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
}

func TestSetupAtOnceEndsWithTheSameKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	var all [8]*token.Keys
	var wg sync.WaitGroup
	for i := range all {
		all[i] = token.NewKeys(dir)
		wg.Go(func() {
			if err := all[i].Setup(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range all {
		for _, other := range all {
			if _, err := token.Verify(other, issue(t, k, typical()), issued); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestRotatingAtOnceIsOneRotation(t *testing.T) {
	k := keys(t)
	before := issue(t, k, typical())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := k.Rotate(10); err != nil && !errors.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := token.Verify(k, before, issued); err != nil {
		t.Error(err)
	}
	if since, err := k.PrimarySince(); err != nil || since.IsZero() {
		t.Error(since, err)
	}
}
