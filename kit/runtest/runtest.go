// Package runtest starts and stops in tests what a program starts and stops:
// drivers, Managers, engines, servers.
package runtest

import (
	"context"
	"testing"

	"github.com/nacre-cloud/nacre/kit/driver"
)

// Start returns p after starting it, if it is a driver.Starter. A driver.Stopper
// is stopped at the end of the test: the last that was started first.
func Start[P any](t testing.TB, p P) P {
	t.Helper()
	if s, ok := any(p).(driver.Starter); ok {
		if err := s.Start(t.Context()); err != nil {
			t.Fatalf("start %T: %v", p, err)
		}
	}
	if s, ok := any(p).(driver.Stopper); ok {
		t.Cleanup(func() {
			if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
				t.Errorf("stop %T: %v", p, err)
			}
		})
	}
	return p
}
