package libvirt

import (
	"context"
	"os/exec"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/compute"
)

// goingDown asks systemd, which has the directory run where it is in charge,
// whether the host is shutting down. What stops a guest then, such as Debian's
// libvirt-guests, is not its owner's wish: nobody is told, and after the boot the
// guest is one that its host went down under.
func goingDown(ctx context.Context, run string) bool {
	if !exists(run) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	state, _ := exec.CommandContext(ctx, "systemctl", "is-system-running").Output() // it exits with 1 for all but "running"
	return strings.TrimSpace(string(state)) == "stopping"
}

// off reports whether a guest is one that the end of its host may have stopped.
func off(g compute.GuestState) bool { return g.Power != compute.Running && g.Power != compute.Paused }
