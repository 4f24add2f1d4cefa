package scheduler

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/page"
)

// Service is what compute, hosts and the HTTP face call.
type Service interface {
	// Place finds a host for a consumer and takes the room there. A consumer that
	// is placed already stays where it is. ErrNoRoom when no host can take it.
	Place(ctx context.Context, spec PlaceSpec) (Placement, error)
	// Release gives a consumer's room back. A consumer that holds none is no error.
	Release(ctx context.Context, consumer ConsumerID) error
	// Placement returns what a consumer holds; NotFound when it holds nothing.
	Placement(ctx context.Context, consumer ConsumerID) (Placement, error)
	// Placements lists what consumers hold, newest first.
	Placements(ctx context.Context, q PlacementQuery) (page.Of[Placement], error)

	// ReportHost says what a host has, and that it is alive. Hosts repeat it every
	// minute; the first report makes the host known, and enabled.
	ReportHost(ctx context.Context, r HostReport) error
	// Host returns one host; NotFound when it never reported.
	Host(ctx context.Context, id HostID) (Host, error)
	// Hosts lists hosts, at most 200 a page, by name where q does not say otherwise.
	Hosts(ctx context.Context, q HostQuery) (page.Of[Host], error)
	// UpdateHost enables or disables a host.
	UpdateHost(ctx context.Context, p HostPatch) (Host, error)
	// DeleteHost forgets a host. Conflict while consumers hold room there; a host
	// that is gone is no error.
	DeleteHost(ctx context.Context, id HostID) error
}

// Strategy says which of the hosts that fit is best.
type Strategy string

// The strategies every scheduler knows.
const (
	Spread Strategy = "spread" // the emptiest host: servers get in each other's way least
	Pack   Strategy = "pack"   // the fullest host: whole hosts stay free for large servers
)

// PlaceSpec says what a consumer needs.
type PlaceSpec struct {
	ID               ConsumerID
	ProjectID        string // who pays
	Resources        Resources
	AvailabilityZone string   // availability zone; empty for any
	Host             string   // this host and no other; empty for any
	Exclude          []string // names of hosts that were tried, or that it leaves
	Required         []string // traits the host must have
	Forbidden        []string // traits the host must not have
	Strategy         Strategy // empty for the scheduler's own
}

// PlacementQuery selects placements. Empty fields select all.
type PlacementQuery struct {
	HostID    HostID
	ProjectID string
	page.Query
}

// HostReport is what a host says of itself.
type HostReport struct {
	Name             string
	AvailabilityZone string
	Traits           []string
	Inventories      []Inventory // Class, Total, Reserved, Ratio; the rest is computed
}

// HostQuery selects hosts. Empty fields select all.
type HostQuery struct {
	Name             string
	AvailabilityZone string
	page.Query
}

// HostPatch changes a host; a nil field stays.
type HostPatch struct {
	ID             HostID
	Enabled        *bool
	DisabledReason *string // enabling empties it
}
