package machinetest_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/nacre-cloud/nacre/kit/machinetest"
)

// A verdict is a test that remembers how it ended.
type verdict struct {
	testing.TB
	text string
}

func (v *verdict) Helper() {}

func (v *verdict) Skipf(format string, args ...any) {
	v.text = "skipped: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (v *verdict) Fatalf(format string, args ...any) {
	v.text = "failed: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestMissing(t *testing.T) {
	const reason = `needs no-such-program (package none): exec: "no-such-program": executable file not found in $PATH`
	for ci, want := range map[string]string{"": "skipped: " + reason, "true": "failed: " + reason} {
		t.Setenv("CI", ci)
		v, done := &verdict{}, make(chan struct{})
		go func() {
			defer close(done)
			machinetest.Program(v, "no-such-program", "none")
		}()
		if <-done; v.text != want {
			t.Errorf("CI=%q: %s", ci, v.text)
		}
	}
}
