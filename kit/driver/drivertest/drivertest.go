// Package drivertest starts and stops drivers in tests, as the program does.
package drivertest

import (
	"context"
	"testing"

	"github.com/nacre-cloud/nacre/kit/driver"
)

// Start returns d after starting it, if it is a driver.Starter. A driver.Stopper
// is stopped at the end of the test, after what the test cleans up itself.
func Start[D any](t *testing.T, d D) D {
	t.Helper()
	if s, ok := any(d).(driver.Starter); ok {
		if err := s.Start(t.Context()); err != nil {
			t.Fatalf("Start: %v", err)
		}
	}
	if s, ok := any(d).(driver.Stopper); ok {
		t.Cleanup(func() {
			if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
				t.Errorf("Stop: %v", err)
			}
		})
	}
	return d
}
