package computeapi

import (
	"time"

	"github.com/nacre-cloud/nacre/kit/rest"
)

// links are the two that most things have: to themselves at this version of the
// API, and at whichever.
type links [2]rest.Link

// A serverBrief is an entry of the short list.
type serverBrief struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Links links  `json:"links"`
}

// A serverCore is what every long answer about a server says.
type serverCore struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	Status       string            `json:"status"`
	ProjectID    string            `json:"tenant_id"`
	UserID       string            `json:"user_id"`
	Metadata     map[string]string `json:"metadata"`
	HostID       string            `json:"hostId"`
	Image        any               `json:"image"` // an imageLink, or "" without an image
	Flavor       flavorLink        `json:"flavor" until:"2.46"`
	FlavorCopy   *flavorCopy       `as:"flavor" since:"2.47"`
	Created      time.Time         `json:"created" time:"z"`
	Updated      time.Time         `json:"updated" time:"z"`
	AccessIPv4   string            `json:"accessIPv4"`
	AccessIPv6   string            `json:"accessIPv6"`
	Links        links             `json:"links"`
	DiskConfig   string            `json:"OS-DCF:diskConfig"`
	Progress     *int              `json:"progress,omitempty"`
	Fault        *serverFault      `json:"fault,omitempty"`
	Locked       bool              `json:"locked" since:"2.9"`
	Description  *string           `json:"description" since:"2.19"`
	Tags         []string          `json:"tags" since:"2.26"`
	Certificates *[]string         `json:"trusted_image_certificates" since:"2.63"`
	LockedReason *string           `json:"locked_reason" since:"2.73"`
}

// A serverDetail is an entry of the long list.
type serverDetail struct {
	serverCore
	Addresses      map[string][]address `json:"addresses"`
	KeyName        *string              `json:"key_name"`
	ConfigDrive    string               `json:"config_drive"`
	Zone           string               `json:"OS-EXT-AZ:availability_zone"`
	LaunchedAt     time.Time            `json:"OS-SRV-USG:launched_at" time:"micro"`
	TerminatedAt   time.Time            `json:"OS-SRV-USG:terminated_at" time:"micro"`
	TaskState      *string              `json:"OS-EXT-STS:task_state"`
	VMState        string               `json:"OS-EXT-STS:vm_state"`
	PowerState     int                  `json:"OS-EXT-STS:power_state"`
	SecurityGroups []named              `json:"security_groups,omitempty"`
	Volumes        []serverVolume       `json:"os-extended-volumes:volumes_attached"`
	Hostname       string               `json:"OS-EXT-SRV-ATTR:hostname" since:"2.90"`
}

// A serverHost is what administrators see besides.
type serverHost struct {
	Host          *string `json:"OS-EXT-SRV-ATTR:host"`
	Hypervisor    *string `json:"OS-EXT-SRV-ATTR:hypervisor_hostname"`
	InstanceName  string  `json:"OS-EXT-SRV-ATTR:instance_name"`
	ReservationID string  `json:"OS-EXT-SRV-ATTR:reservation_id" since:"2.3"`
	LaunchIndex   int     `json:"OS-EXT-SRV-ATTR:launch_index" since:"2.3"`
	OldHostname   string  `as:"OS-EXT-SRV-ATTR:hostname" since:"2.3" until:"2.89"`
	KernelID      string  `json:"OS-EXT-SRV-ATTR:kernel_id" since:"2.3"`
	RamdiskID     string  `json:"OS-EXT-SRV-ATTR:ramdisk_id" since:"2.3"`
	RootDevice    string  `json:"OS-EXT-SRV-ATTR:root_device_name" since:"2.3"`
	UserData      *string `json:"OS-EXT-SRV-ATTR:user_data" since:"2.3"`
	HostStatus    string  `json:"host_status" since:"2.16"`
}

// A serverAdmin is a serverDetail for administrators.
type serverAdmin struct {
	serverDetail
	serverHost
}

// A grouped is what only answers about one server say: its server groups, of
// which there are none.
type grouped struct {
	Groups []string `json:"server_groups" since:"2.71"`
}

type serverShown struct {
	serverDetail
	grouped
}

type serverAdminShown struct {
	serverAdmin
	grouped
}

// A serverUpdated answers an update before 2.75.
type serverUpdated struct {
	serverCore
	Addresses map[string][]bareAddress `json:"addresses"`
	grouped
}

type flavorLink struct {
	ID    string       `json:"id"`
	Links [1]rest.Link `json:"links"`
}

type imageLink struct {
	ID    string       `json:"id"`
	Links [1]rest.Link `json:"links"`
}

// A flavorCopy is the flavor as it was when the server was made.
type flavorCopy struct {
	Name      string            `json:"original_name"`
	VCPUs     int               `json:"vcpus"`
	MemoryMiB int               `json:"ram"`
	RootGiB   int               `json:"disk"`
	Ephemeral int               `json:"ephemeral"`
	SwapMiB   int               `json:"swap"`
	Specs     map[string]string `json:"extra_specs"`
}

type bareAddress struct {
	Version int    `json:"version"`
	Address string `json:"addr"`
}

type address struct {
	bareAddress
	Type string `json:"OS-EXT-IPS:type"`
	MAC  string `json:"OS-EXT-IPS-MAC:mac_addr"`
}

type serverFault struct {
	Code    int       `json:"code"`
	Created time.Time `json:"created" time:"z"`
	Message string    `json:"message"`
	Details string    `json:"details,omitempty"`
}

type serverVolume struct {
	ID                  string `json:"id"`
	DeleteOnTermination bool   `json:"delete_on_termination" since:"2.3"`
}

type named struct {
	Name string `json:"name"`
}
