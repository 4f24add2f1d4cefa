package compute

import (
	"context"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// ServerID names a server and its guest: a UUID in its canonical form.
type ServerID string

// A Guest describes the virtual machine of a server, complete: a Driver asks nobody else.
type Guest struct {
	ID        ServerID
	Name      string // for an operator's eyes; need not be unique
	VCPUs     int
	MemoryMiB int

	// Image is what the root disk, device "vda", is a private copy of. Without an
	// image the guest boots from Disks[0].
	Image string
	// RootGiB is the root disk's size; 0 keeps the image's own.
	RootGiB int

	Disks []Disk
	NICs  []NIC

	// ConfigDrive holds the files of a read-only disk labelled "config-2", by path
	// ("openstack/latest/meta_data.json"). It is secret: it may hold passwords.
	ConfigDrive map[string][]byte
}

// Check finds what no hypervisor could make sense of: fault.Invalid says which.
// Drivers call it first in Spawn.
func (g Guest) Check() error {
	id, err := uuid.Parse(string(g.ID))
	switch {
	case err != nil || id.String() != string(g.ID):
		return fault.Invalid.Errorf("server id %q is not a UUID", g.ID)
	case g.VCPUs < 1:
		return fault.Invalid.Errorf("server %s has %d vCPUs", g.ID, g.VCPUs)
	case g.MemoryMiB < 1:
		return fault.Invalid.Errorf("server %s has %d MiB of memory", g.ID, g.MemoryMiB)
	case g.Image == "" && len(g.Disks) == 0:
		return fault.Invalid.Errorf("server %s has nothing to boot from: no image and no disk", g.ID)
	}
	return nil
}

// A Disk is block storage made by somebody else, a volume.
type Disk struct {
	ID     string // the volume's; its first 20 characters are the disk's serial in the guest
	Device string // "vdb"; unique in the guest. Guests may order their disks differently
	Source Source
}

// A Source says where a disk's bytes are, as the volume's backend connected it to this host.
type Source struct {
	Kind   string // SourceFile
	Path   string // SourceFile: absolute, on this host
	Format string // "raw" or "qcow2"
}

// SourceFile is the Kind of a Source that is a file or block device of the host.
const SourceFile = "file"

// A NIC is a network interface, plugged into a tap device that the network's driver
// made and owns. Without a tap the compute driver makes one on Bridge.
type NIC struct {
	Port   string // the port's id
	MAC    string // "fa:16:3e:…"
	Tap    string
	Bridge string
	MTU    int // 0 is the hypervisor's default
}

// Power is whether and how a guest runs.
type Power string

// The power states of a guest.
const (
	Running   Power = "running"
	Paused    Power = "paused"    // holds its memory, runs nothing
	Suspended Power = "suspended" // its memory is on disk
	Stopped   Power = "stopped"
	Crashed   Power = "crashed" // stopped by its own or its hypervisor's failure
	// Cut is stopped since its host went down. What was stopped before that may be
	// Cut, too, where the hypervisor does not remember.
	Cut Power = "cut"
)

// GuestState is what a Driver sees of one guest.
type GuestState struct {
	ID    ServerID
	Power Power
}

// Inventory is what a host has to give.
type Inventory struct {
	VCPUs      int
	MemoryMiB  int
	DiskGiB    int
	Hypervisor string   // "QEMU"
	Version    string   // "7.2.22"
	Traits     []string // sorted; TraitKVM or TraitTCG among them
}

// Traits that say how a host runs its guests. Schedulers match them by name.
const (
	TraitKVM = "CUSTOM_ACCELERATOR_KVM" // on the processor
	TraitTCG = "CUSTOM_ACCELERATOR_TCG" // by emulation, ten times slower
)

// A Sample holds a guest's counters at one moment. They begin at zero with each
// boot: a counter lower than before has begun anew.
type Sample struct {
	ID          ServerID
	At          time.Time
	CPU         time.Duration // processor time used by all vCPUs
	MemoryMiB   int           // resident on the host
	DiskRead    int64         // bytes, over all disks
	DiskWritten int64
	NetReceived int64 // bytes, over all interfaces, as the guest sees them
	NetSent     int64
}

// An Endpoint is where a service listens on the host, in the words of net.Dial.
type Endpoint struct {
	Network string // "unix" or "tcp"
	Address string
}

// ImageSource is where a host fetches images from: the image service.
type ImageSource interface {
	// Open starts reading an image. fault.NotFound when there is none; a read that
	// fails later is retried by whoever needed the image.
	Open(ctx context.Context, image string) (io.ReadCloser, ImageInfo, error)
}

// ImageInfo is what the image service promises about an image's bytes.
type ImageInfo struct {
	Size       int64
	DiskFormat string // "raw", "qcow2"
	SHA512     string // hex
}
