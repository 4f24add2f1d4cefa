package compute

import (
	"context"
	"time"

	"github.com/nacre-cloud/nacre/kit/driver"
)

// A Driver runs guests on one host. It is what a hypervisor backend implements,
// and all that Manager knows of a hypervisor; a host elsewhere is the same
// interface over the bus.
//
// # What Manager has done before it calls
//
// A driver checks no caller and counts no quota; it has no database and sends no
// events. Manager chose the host and claimed its room, chose every id and device
// name, had the volumes made and connected, and had the network plugged. A driver
// receives plain values and makes them so.
//
// # Idempotency
//
// Every method may be called again with the same arguments, after success, after
// failure, after a crash in the middle of the first call, or while a first call
// whose context ended is still at work. To make what exists and to remove what is
// gone succeed. Calls about one guest are put in order by the driver; calls about
// different guests run side by side, in the thousands.
//
// # Contexts
//
// A method returns soon after its context ends, with fault.Unavailable, even where
// the hypervisor's own call cannot be interrupted. What was begun may still happen;
// the repeated call finds out.
//
// # Crashes
//
// The end of the driver's process does not touch running guests. What a driver
// must remember it reads back from the hypervisor and from its own directory, not
// from memory. What a crash left half-made shows in List, a repeated Spawn
// completes it and Destroy removes it.
//
// # Faults
//
//	NotFound     the guest is not on this host
//	Conflict     the guest's power state does not allow it
//	Invalid      the description can be satisfied by no host: an image larger than the root disk
//	Exhausted    this host has no room left; another may have
//	Unsupported  this driver never does that
//	Unavailable  not now: the hypervisor is restarting, an image cannot be fetched, a tap
//	             or a volume's file is not there yet, a guest holds on to a device. Manager asks again
//
// Anything else is Internal. Optional powers are Console, Watcher, Starter and
// Stopper; they are found by a type assertion. Package computetest proves an implementation.
type Driver interface {
	// Inventory says what the host has in all, used or not, before any overcommit.
	Inventory(ctx context.Context) (Inventory, error)

	// Guests lists every guest of this driver on the host, also those that are
	// half-made (as Stopped), in no order. Reconcilers compare it with the table.
	Guests(ctx context.Context) ([]GuestState, error)

	// Samples reads the counters of every running or paused guest, in no order.
	Samples(ctx context.Context) ([]Sample, error)

	// Spawn makes the guest and starts it; it returns when the virtual machine
	// runs, not when its system is up. A guest that is already Running is left as
	// it is, whatever the description says; any other is completed and started. A
	// failed Spawn may leave parts behind: Manager calls Destroy.
	Spawn(ctx context.Context, g Guest) error

	// Destroy pulls the plug and removes everything of the guest from the host: its
	// definition, root disk, config drive, log and saved memory. Volumes and taps
	// stay, they belong to others.
	Destroy(ctx context.Context, id ServerID) error

	// SetPower brings the guest to the wanted state, from any state where the table
	// has an entry; everything else is a Conflict.
	//
	//	want       from       what happens
	//	Running    stopped    boots; so does one that is crashed or cut
	//	           paused     goes on
	//	           suspended  reads its memory back and goes on
	//	Stopped    running    the power button is pressed; after grace the plug is pulled.
	//	                      No grace, no button
	//	           paused     the plug is pulled: a paused guest hears no button
	//	           suspended  its saved memory is dropped
	//	           crashed    is Stopped; so is what is cut
	//	Paused     running    holds still, keeps its memory
	//	Suspended  running    writes its memory to disk and frees the host's
	//	           paused     likewise
	//
	// There is no reboot: repeated, it would reboot twice. Manager asks for Stopped,
	// then for Running. A guest that reboots itself is none of the driver's business.
	SetPower(ctx context.Context, id ServerID, want Power, grace time.Duration) error

	// ConsoleLog returns the last limit bytes that the guest wrote to its first
	// serial port. The log lives as long as the guest; a driver may keep only the
	// end of it, but at least 64 KiB.
	ConsoleLog(ctx context.Context, id ServerID, limit int) ([]byte, error)

	// AttachDisk adds a disk, at once when the guest runs, else with its next
	// start. A disk with the same ID that is already there is left as it is.
	// A suspended guest is a Conflict.
	AttachDisk(ctx context.Context, id ServerID, d Disk) error

	// DetachDisk removes a disk and returns when the guest has let go of it, so that
	// the volume may be given to another. A guest that holds on beyond the context's
	// deadline is fault.Unavailable. A suspended guest that has the disk is a Conflict.
	DetachDisk(ctx context.Context, id ServerID, disk string) error

	// AttachNIC adds a network interface as AttachDisk adds a disk.
	AttachNIC(ctx context.Context, id ServerID, n NIC) error

	// DetachNIC removes the interface of a port as DetachDisk removes a disk.
	DetachNIC(ctx context.Context, id ServerID, port string) error
}

// Console is a Driver whose guests have a screen.
type Console interface {
	// VNC says where the screen of a running guest is served, on the host itself.
	// A guest that does not run is a Conflict.
	VNC(ctx context.Context, id ServerID) (Endpoint, error)
}

// Watcher is a Driver that tells when a guest changes by itself.
type Watcher interface {
	// Watch calls changed when a guest's power state may have changed, whoever was
	// the cause, until ctx ends; then it returns nil. Calls come one at a time, and
	// once for each guest after the driver lost its hypervisor and found it again.
	// A state can be missed or repeated: reconcilers remain the truth.
	Watch(ctx context.Context, changed func(GuestState)) error
}

type (
	// A Starter is a Driver that is started with the program.
	Starter = driver.Starter
	// A Stopper is a Driver that is stopped with the program. Guests go on.
	Stopper = driver.Stopper
)
