// Package compute runs servers.
//
// A server is a guest on some host: a flavor's share of it, booted from an image
// or a volume, plugged into networks. The HTTP face and other domains call
// Service; the process that owns the tables provides it as a Manager, every other
// one as a computerpc.Client. Hypervisors are added by writing a Driver; each host
// runs one, in this process (AddHost) or in one of its own (computerpc.ServeHost).
//
// Everything that takes time is a flow over the image, network, volume and
// scheduler services and the host's driver: once a call has returned, the change
// happens or is undone, whatever crashes. A server's status is what its last flow
// made of it; what is under way is the step its open flow is at, see Server.Doing.
// OpenStack calls this service Nova.
package compute

import (
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// A Server is a virtual machine and what its owner wants of it.
type Server struct {
	bun.BaseModel `bun:"table:servers"`

	ID               ServerID `bun:",pk"`
	ProjectID        string
	UserID           string
	Name             string
	Description      string
	Hostname         string // as the guest sees it
	Status           Status
	Flavor           Flavor `bun:"type:text"` // as it was when the server was made
	FlavorID         string // what quota and lists need of it
	VCPUs            int    `bun:"vcpus"`
	MemoryMiB        int
	ImageID          string // empty when it boots from a volume
	KeyName          string
	PublicKey        string
	UserData         string // base64
	ConfigDrive      bool
	AvailabilityZone string
	AccessIPv4       string            `bun:"access_ipv4"` // where its owner says it is reached
	AccessIPv6       string            `bun:"access_ipv6"` //
	Host             string            // empty until it is placed
	Metadata         map[string]string `bun:"type:text"`
	Tags             []string          `bun:"type:text"` // sorted
	Locked           bool
	LockedReason     string
	SecurityGroups   []string     `bun:"type:text"`      // names or ids, as asked for
	NICs             []ServerNIC  `bun:"nics,type:text"` // while it is Building without MAC and addresses
	Disks            []ServerDisk `bun:"type:text"`
	Fault            *Failure     `bun:"type:text"` // why Status is Failed
	ReservationID    string
	LaunchIndex      int
	CreatedAt        time.Time
	UpdatedAt        time.Time
	LaunchedAt       time.Time `bun:",nullzero"`

	Doing Doing `bun:"-"` // what is under way; zero when nothing is
}

// Owner returns the project that s belongs to.
func (s Server) Owner() string { return s.ProjectID }

// Status says what a server is.
type Status string

// Statuses.
const (
	Building Status = "building"
	Active   Status = "active"
	ShutOff  Status = "stopped"
	OnHold   Status = "paused"
	Asleep   Status = "suspended"
	Failed   Status = "error" // Fault says why
)

// Doing is the step that a server's open flow is at.
type Doing struct {
	Flow string // "server.boot"
	Step string // "spawn"
}

// A Failure is why a server is Failed.
type Failure struct {
	Kind    fault.Kind
	Message string
	Details string `json:",omitempty"` // what only an administrator is told
	At      time.Time
}

// A ServerNIC is a port of a server.
type ServerNIC struct {
	PortID    string
	NetworkID string
	Network   string // its name
	MAC       string
	MTU       int
	Addresses []Address
	Ours      bool // made for the server, and deleted with it
}

// An Address is one that a server is reached at.
type Address struct {
	IP       string
	SubnetID string
	Floating bool
}

// A ServerDisk is a volume of a server.
type ServerDisk struct {
	VolumeID            string
	AttachmentID        string
	Device              string // "/dev/vdb"
	Boot                bool
	DeleteOnTermination bool
}

// A Flavor is a size of server.
type Flavor struct {
	bun.BaseModel `bun:"table:flavors" json:"-"`

	ID           string `bun:",pk"`
	Name         string // unique
	Description  string
	VCPUs        int `bun:"vcpus"`
	MemoryMiB    int
	RootGiB      int // 0: as large as the image
	EphemeralGiB int
	SwapMiB      int
	RxTxFactor   float64
	Public       bool              // otherwise only the projects that were given access
	Specs        map[string]string `bun:"type:text"` // what the operator says about it
	Projects     []string          `bun:"type:text" json:",omitempty"`
	CreatedAt    time.Time
}

// A Keypair is a public key that is put into servers. It belongs to a user.
type Keypair struct {
	bun.BaseModel `bun:"table:keypairs"`

	UserID      string `bun:",pk"`
	Name        string `bun:",pk"`
	ID          int64  // a number that clients want to see
	Type        string // KeySSH or KeyX509
	Fingerprint string
	PublicKey   string
	CreatedAt   time.Time

	PrivateKey string `bun:"-"` // once, when it was generated here
}

// An Action is something that was asked of a server.
type Action struct {
	bun.BaseModel `bun:"table:server_actions"`

	ID         string `bun:",pk"`
	ServerID   ServerID
	ProjectID  string
	UserID     string
	RequestID  string
	Name       string // "create"
	Message    string // why it failed
	StartedAt  time.Time
	FinishedAt time.Time `bun:",nullzero"`
}

// Owner returns the project that a's server belongs to.
func (a Action) Owner() string { return a.ProjectID }

// A Hypervisor is a host as its driver describes it.
type Hypervisor struct {
	Name             string
	AvailabilityZone string
	Enabled          bool
	DisabledReason   string
	Up               bool // it has reported within the last minutes
	SeenAt           time.Time
	VCPUs            int
	VCPUsUsed        int
	MemoryMiB        int
	MemoryMiBUsed    int
	DiskGiB          int
	DiskGiBUsed      int
	Servers          int
}
