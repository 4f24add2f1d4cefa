package libvirt

import (
	"os"
	"path/filepath"
	"testing"
)

func TestGoingDown(t *testing.T) {
	for name, tt := range map[string]struct {
		run, script string
		want        bool
	}{
		"while the host shuts down":  {"/", "echo stopping; exit 1", true},
		"not while it runs":          {"/", "echo running", false},
		"not while a unit is broken": {"/", "echo degraded; exit 1", false},
		"not where nobody answers":   {"/", "exit 1", false},
		"not without systemd":        {"/nowhere", "echo stopping", false},
	} {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			if err := os.WriteFile(filepath.Join(bin, "systemctl"), []byte("#!/bin/sh\n"+tt.script), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", bin)
			if got := goingDown(t.Context(), tt.run); got != tt.want {
				t.Errorf("going down is %v", got)
			}
		})
	}
}
