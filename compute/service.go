package compute

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// Service is what other domains and the HTTP face call. Every method checks the
// caller in its context: what belongs to another project is fault.NotFound, what
// the caller may see but not do is fault.Forbidden. Calls are idempotent by id.
type Service interface {
	Servers
	Devices
	Guests
	Flavors
	Keypairs
	Quotas
	Hosts
}

// Servers are the calls about servers.
type Servers interface {
	// CreateServer records a server and returns it as Building; a flow makes it
	// Active or Failed. Above the project's quota it is fault.OverQuota.
	CreateServer(ctx context.Context, s CreateSpec) (Server, error)
	Server(ctx context.Context, id ServerID) (Server, error)
	Servers(ctx context.Context, q Query) (page.Of[Server], error)
	UpdateServer(ctx context.Context, p Patch) (Server, error)
	// DeleteServer deletes a server in any state; what is under way turns around.
	DeleteServer(ctx context.Context, id ServerID) error
	// Power changes whether a server runs. A state that does not allow it, or
	// another operation under way, is fault.Conflict.
	Power(ctx context.Context, s PowerSpec) error
	// Lock keeps a server from being changed by its owner, or no longer.
	Lock(ctx context.Context, l LockSpec) error
	// Actions lists what was asked of a server, newest first, also of one that was
	// deleted within the last month.
	Actions(ctx context.Context, q ActionQuery) (page.Of[Action], error)
}

// Devices are the calls about what is plugged into a server.
type Devices interface {
	// AttachVolume begins to give a volume to a server and returns its device.
	AttachVolume(ctx context.Context, s AttachVolumeSpec) (ServerDisk, error)
	DetachVolume(ctx context.Context, s DetachVolumeSpec) error
	// AttachNIC plugs a port into a server and returns when that has happened.
	AttachNIC(ctx context.Context, s AttachNICSpec) (ServerNIC, error)
	DetachNIC(ctx context.Context, s DetachNICSpec) error
}

// Guests are the calls about what runs inside.
type Guests interface {
	// ConsoleLog returns the end of what the guest wrote to its console.
	ConsoleLog(ctx context.Context, s ConsoleSpec) (string, error)
	// GuestData returns what a server may know about itself, by its address. It is
	// for the host that the guest asks through.
	GuestData(ctx context.Context, a GuestAddress) (GuestData, error)
	// Samples reads the counters of every running guest, of all hosts that answer.
	Samples(ctx context.Context, none struct{}) ([]Sample, error)
}

// Flavors are the calls about sizes.
type Flavors interface {
	// CreateFlavor makes a flavor. An id or a name that is taken is fault.Conflict.
	CreateFlavor(ctx context.Context, f Flavor) (Flavor, error)
	Flavor(ctx context.Context, id string) (Flavor, error)
	Flavors(ctx context.Context, q FlavorQuery) (page.Of[Flavor], error)
	// UpdateFlavor changes a flavor's description, specs and access.
	UpdateFlavor(ctx context.Context, p FlavorPatch) (Flavor, error)
	DeleteFlavor(ctx context.Context, id string) error
}

// Keypairs are the calls about keys.
type Keypairs interface {
	// CreateKeypair keeps a public key, or makes a pair when there is none. A name
	// that is taken is fault.Conflict.
	CreateKeypair(ctx context.Context, s KeypairSpec) (Keypair, error)
	Keypair(ctx context.Context, id KeypairID) (Keypair, error)
	Keypairs(ctx context.Context, q KeypairQuery) (page.Of[Keypair], error)
	DeleteKeypair(ctx context.Context, id KeypairID) error
}

// Quotas are the calls about what a project may use.
type Quotas interface {
	// Quota returns the limits and the use of a project.
	Quota(ctx context.Context, project string) (Quota, error)
	// SetQuota changes limits; without any, it restores the defaults.
	SetQuota(ctx context.Context, p QuotaPatch) (Quota, error)
}

// Hosts are the calls about hosts.
type Hosts interface {
	// Hypervisors lists every host with what it has and what is used.
	Hypervisors(ctx context.Context, q HypervisorQuery) ([]Hypervisor, error)
	// ReportGuests tells what a host's driver saw change by itself.
	ReportGuests(ctx context.Context, r GuestReport) error
}

// A CreateSpec says which server to create.
type CreateSpec struct {
	ID               ServerID // made when empty
	Name             string
	Description      string
	Hostname         string // made of the name when empty
	FlavorID         string
	ImageID          string // empty when a block device boots
	KeyName          string
	UserData         string // base64
	ConfigDrive      bool
	AdminPassword    string         // told to the guest on a config drive
	Files            []InjectedFile // likewise; with any there is a config drive
	AccessIPv4       string
	AccessIPv6       string
	AvailabilityZone string // "zone", "zone:host" or "zone:host:node"
	Metadata         map[string]string
	Tags             []string
	SecurityGroups   []string // names or ids; the project's default when empty
	Networks         []NetworkSpec
	NoNetwork        bool
	BlockDevices     []BlockDevice
	ReservationID    string // of several servers made together
	LaunchIndex      int
}

// An InjectedFile is a file that a new guest shall have.
type InjectedFile struct {
	Path    string // in the guest
	Content []byte
}

// A NetworkSpec is a network to plug a server into: a port, or a network and
// perhaps an address in it. Empty means the project's only network.
type NetworkSpec struct {
	NetworkID string
	PortID    string
	FixedIP   string
}

// A BlockDevice is a disk to give a new server. At most one of the ids is set.
type BlockDevice struct {
	Boot                bool
	VolumeID            string
	SnapshotID          string // a new volume is made from it
	ImageID             string // likewise
	SizeGiB             int    // of a new volume
	Device              string
	Type                string // volume type of a new volume
	DeleteOnTermination bool
}

// A Query asks for servers of the caller's project, or of ProjectID or all for an
// administrator. Empty fields match everything.
type Query struct {
	page.Query
	ProjectID        string
	AllProjects      bool
	UserID           string
	Name             string // a part of it
	Status           []Status
	FlavorID         string
	ImageID          string
	Host             string
	KeyName          string
	AvailabilityZone string
	ReservationID    string
	IDs              []ServerID
	Tags             []string // all of them
	TagsAny          []string
	NotTags          []string
	NotTagsAny       []string
	ChangedSince     int64 // unix seconds; 0 means ever
	ChangedBefore    int64
	Locked           *bool
	Deleted          bool // none: deleted servers are gone
}

// A Patch changes a server. Nil fields stay as they are.
type Patch struct {
	ID          ServerID
	Name        *string
	Description *string
	Hostname    *string
	AccessIPv4  *string
	AccessIPv6  *string

	Metadata      map[string]string  // replaces all of it
	MetadataItems map[string]*string // nil removes one; those not named stay
	Tags          []string           // replaces all of them; empty, not nil, removes them
	AddTags       []string
	RemoveTags    []string
}

// A PowerSpec is an order to start, stop, … a server.
type PowerSpec struct {
	ID ServerID
	Do Order
}

// An Order is what Power does.
type Order string

// Orders.
const (
	Start      Order = "start"
	Stop       Order = "stop"
	SoftReboot Order = "reboot"
	HardReboot Order = "hard-reboot"
	Pause      Order = "pause"
	Unpause    Order = "unpause"
	Suspend    Order = "suspend"
	Resume     Order = "resume"
)

// A LockSpec locks or unlocks a server.
type LockSpec struct {
	ID     ServerID
	Locked bool
	Reason string
}

// An ActionQuery asks what was asked of a server.
type ActionQuery struct {
	page.Query
	ServerID  ServerID
	RequestID string
}

// An AttachVolumeSpec says which volume to give to which server.
type AttachVolumeSpec struct {
	ServerID            ServerID
	VolumeID            string
	Device              string // chosen when empty
	DeleteOnTermination bool
}

// A DetachVolumeSpec says which volume to take from which server.
type DetachVolumeSpec struct {
	ServerID ServerID
	VolumeID string
}

// An AttachNICSpec says what to plug into which server.
type AttachNICSpec struct {
	ServerID ServerID
	NetworkSpec
}

// A DetachNICSpec says which port to pull from which server.
type DetachNICSpec struct {
	ServerID ServerID
	PortID   string
}

// A ConsoleSpec asks for the end of a console's log.
type ConsoleSpec struct {
	ID    ServerID
	Lines int // 0 means all that is kept
}

// A FlavorQuery asks for flavors that the caller may use.
type FlavorQuery struct {
	page.Query
	Name         string
	MinMemoryMiB int
	MinRootGiB   int
	All          bool // for administrators: also those that are not public
}

// A FlavorPatch changes a flavor. Nil fields stay as they are.
type FlavorPatch struct {
	ID            string
	Description   *string
	Specs         map[string]*string // nil removes one; those not named stay
	AddProject    string
	RemoveProject string
}

// A KeypairSpec says which key to keep.
type KeypairSpec struct {
	UserID    string // for administrators; the caller when empty
	Name      string
	Type      string // KeySSH when empty
	PublicKey string // generated when empty; of type KeyX509 a certificate in PEM
}

// A KeypairID names a keypair.
type KeypairID struct {
	UserID string // the caller when empty
	Name   string
}

// A KeypairQuery asks for the keypairs of a user.
type KeypairQuery struct {
	page.Query
	UserID string // the caller when empty
}

// Resources of a project's quota.
const (
	ResourceServers   = "instances"
	ResourceCores     = "cores"
	ResourceMemoryMiB = "ram"
	ResourceKeypairs  = "key_pairs"
	ResourceMetadata  = "metadata_items"
)

type (
	// A Quota is what a project may use and uses.
	Quota = quota.Quota
	// A QuotaPatch changes the limits of a project.
	QuotaPatch = quota.Patch
)

// A HypervisorQuery asks for hosts; an empty name matches all.
type HypervisorQuery struct {
	Name string
}

// A GuestReport is what a host saw.
type GuestReport struct {
	Host   string
	Guests []GuestState
}

// A GuestAddress is where a guest asks from.
type GuestAddress struct {
	NetworkID string
	IP        string
}
