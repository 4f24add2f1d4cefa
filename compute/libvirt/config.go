// Package libvirt is the compute.Driver of a Linux host: QEMU, through libvirt.
//
// It runs on KVM where the processor can and the host lets it, else on QEMU's
// emulation, and says which in its log and in the inventory's traits. Everything of
// a guest that is not libvirt's own lies in one directory, Dir/servers/<id>:
//
//	base          a hard link to the cached image: eviction cannot take it away
//	root.qcow2    what the guest has changed of it
//	config.iso    the config drive
//	console.log   what the guest wrote to its serial port; the older half in console.log.0
//
// Guests appear to libvirt as domains called nacre-<id>. The driver owns every
// domain of that name on the host and touches no other.
//
// The code links libvirt and is built with the tag "libvirt"; without it New
// answers fault.Unsupported.
package libvirt

import (
	"context"
	"log/slog"
	"time"

	"github.com/nacre-cloud/nacre/compute"
)

// Config says where a host keeps its guests. Images is required.
type Config struct {
	// URI is how to reach libvirt; "" is "qemu:///system".
	URI string
	// Dir is where guests and images lie; "" is "/var/lib/nacre". Images and
	// guests share it because hard links do not cross file systems.
	Dir string
	// LogDir is where libvirt keeps QEMU's own messages, which Destroy removes with
	// the rest of a guest; "" is "/var/log/libvirt/qemu".
	LogDir string
	// Images is where images come from.
	Images compute.ImageSource
	// ImageAge is how long an image that no new guest asked for is kept; 0 is a week.
	ImageAge time.Duration
	// Accelerator is KVM or TCG; "" is KVM where the host can do it.
	Accelerator Accelerator
	// GoingDown says whether the host is shutting down and stops its guests with it;
	// nil asks systemd, where that runs.
	GoingDown func(context.Context) bool
	// Log is where the driver tells what an operator should know; nil is slog.Default.
	Log *slog.Logger
}

// Accelerator is how QEMU runs guests.
type Accelerator string

// The accelerators.
const (
	KVM Accelerator = "kvm" // on the processor
	TCG Accelerator = "tcg" // by emulation, ten times slower
)

func (c Config) withDefaults() Config {
	if c.URI == "" {
		c.URI = "qemu:///system"
	}
	if c.Dir == "" {
		c.Dir = "/var/lib/nacre"
	}
	if c.LogDir == "" {
		c.LogDir = "/var/log/libvirt/qemu"
	}
	if c.ImageAge == 0 {
		c.ImageAge = 7 * 24 * time.Hour
	}
	if c.GoingDown == nil {
		c.GoingDown = func(ctx context.Context) bool { return goingDown(ctx, "/run/systemd/system") }
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}
