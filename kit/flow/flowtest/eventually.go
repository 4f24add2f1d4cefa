package flowtest

import (
	"testing"
	"time"
)

// Eventually waits until done, which a flow in another goroutine or process
// brings about. It fails the test when that takes longer than 20 s.
func Eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}
