package main

import (
	"testing"

	"github.com/nacre-cloud/nacre/kit/machinetest"
)

// TestQuick runs some of Tempest's tests of every service: those of quick.txt,
// which take seconds each.
func TestQuick(t *testing.T) {
	machinetest.Program(t, "tempest", "tempest")
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
