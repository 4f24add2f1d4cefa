// Package machinetest says what a test needs of the machine it runs on. Where that
// is missing the test is skipped, with the reason, on a developer's machine, and
// fails in CI (CI=true), so that nothing is left out there unseen.
package machinetest

import (
	"os"
	"os/exec"
	"testing"
)

// Missing ends a test that needs what this machine lacks.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Root ends a test that does not run as root. what needs it, such as "mounting a disk".
func Root(t testing.TB, what string) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "%s needs root", what)
	}
}

// Program returns the path of a program that comes with a package of Debian.
func Program(t testing.TB, name, pack string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, "needs %s (package %s): %v", name, pack, err)
	}
	return path
}
