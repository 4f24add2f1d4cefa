package main

import (
	"os/exec"
	"testing"

	"github.com/nacre-cloud/nacre/kit/db/dbtest"
)

// TestQuick runs some of Tempest's tests of every service: those of quick.txt,
// which take seconds each.
func TestQuick(t *testing.T) {
	if _, err := exec.LookPath("tempest"); err != nil {
		dbtest.Missing(t, "Tempest is not installed: %v (Debian: apt-get install tempest)", err)
	}
	r, err := options{dir: t.TempDir(), workers: 4}.run(t.Context(), "quick.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range r.asked {
		if got := r.of(name); got.outcome != passed {
			t.Errorf("%s: %s", name, got.why)
		}
	}
}
