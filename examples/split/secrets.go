package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

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

// readToken returns the secret of the bus. A file that everybody may read keeps none.
func readToken(file string) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", fmt.Errorf("the token of the bus: %w", err)
	}
	if mode := info.Mode(); mode.IsRegular() && mode.Perm()&0o007 != 0 {
		return "", fmt.Errorf("%s has mode %04o, and whoever reads it commands the cloud: chmod o= %s", file, mode.Perm(), file)
	}
	text, err := os.ReadFile(file)
	token := strings.TrimSpace(string(text))
	if err == nil && token == "" {
		err = fmt.Errorf("%s holds no token", file)
	}
	return token, err
}

// public refuses a URL with a password: everybody on the machine can read command lines.
func public(name, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return nil // whoever uses it says what is wrong
	}
	if _, secret := u.User.Password(); secret || u.Scheme == "nats" {
		return fmt.Errorf("%s holds a secret, which everybody on this machine could read: keep it in ~/.pgpass or in the token's file", name)
	}
	return nil
}
