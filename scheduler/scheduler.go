// Package scheduler knows which host has room, and who holds it.
//
// Hosts report what they have (inventories: virtual CPUs, memory, disk, each
// with a reserve and an overcommit ratio) and what they can do (traits). compute
// asks Place for a host each time a server needs one and calls Release when the
// server has left it. In OpenStack this is Placement and Nova's scheduler; the
// package schedulerapi speaks the former's protocol.
//
// # What it promises
//
// No host is ever overcommitted, however many schedulers run: a placement and
// the room it takes are written in one transaction whose UPDATE says "where the
// room is still there". Place and Release are idempotent by consumer: asking
// twice returns the same host. When nothing fits, administrators are told why,
// host by host; others only that no host has room.
//
// # How it decides
//
// Each process keeps an index of all hosts in memory, in columns. Filters strike
// hosts from it, weighers choose among those left, ties are broken by chance.
// The index is a hint. It learns from this process's own writes at once, from the
// database when it is a minute old and before "no room" is believed, and about a
// host whenever a claim there is lost: then the decision is made again.
//
// # Moving
//
// One consumer holds room on one host. To move a server, its new host is placed
// for another consumer id (the migration's), and one of the two is released.
//
// There is no Driver: nothing here has a second implementation. What differs
// between clouds is how hosts are chosen, and that is a Filter or a Weigher.
package scheduler

import (
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// ErrNoRoom is why Place fails when no host can take the consumer.
var ErrNoRoom = fault.Exhausted.Reason("scheduler.no-room")

// HostID names a host: a UUID made from its name.
type HostID string

var hostIDs = uuid.MustParse("0197a3c2-5c5e-7cc6-b4a8-1d5f3e7b9a64")

// IDOf returns the id of the host called name.
func IDOf(name string) HostID {
	return HostID(uuid.NewSHA1(hostIDs, []byte(name)).String())
}

// ConsumerID names who holds room: a server's id, or a migration's.
type ConsumerID string

// Class is a kind of resource. Names of an operator's own begin with CUSTOM_.
type Class string

// The classes that every host reports.
const (
	VCPU     Class = "VCPU"
	MemoryMB Class = "MEMORY_MB" // MiB
	DiskGB   Class = "DISK_GB"   // GiB
)

// Resources is an amount of each class.
type Resources map[Class]int64

// A Host runs servers.
type Host struct {
	bun.BaseModel `bun:"table:scheduler_hosts,alias:h" json:"-"`

	ID               HostID `bun:",pk"`
	Name             string
	AvailabilityZone string // availability zone
	Enabled          bool   // a disabled host keeps its servers and gets no more
	DisabledReason   string
	Traits           []string  `bun:"type:text"` // sorted
	Generation       int64     // grows when what the host offers changes
	SeenAt           time.Time // of the last report
	CreatedAt        time.Time

	Digest      string      `json:"-"` // of the last report
	Inventories []Inventory `bun:"-"`  // sorted by class
}

// An Inventory is how much of one class a host has.
type Inventory struct {
	bun.BaseModel `bun:"table:scheduler_inventories,alias:i" json:"-"`

	HostID   HostID  `bun:",pk" json:"-"`
	Class    Class   `bun:",pk"`
	Total    int64   // what is physically there
	Reserved int64   // kept for the host itself
	Ratio    float64 // overcommit; 0 is 1
	Capacity int64   // what may be held: (Total-Reserved)*Ratio
	Used     int64   // what is held
}

func (i Inventory) capacity() int64 {
	ratio := i.Ratio
	if ratio == 0 {
		ratio = 1
	}
	return max(0, int64(math.Floor(float64(i.Total-i.Reserved)*ratio)))
}

// A Placement is the room that a consumer holds on a host.
type Placement struct {
	bun.BaseModel `bun:"table:scheduler_placements,alias:p" json:"-"`

	ConsumerID ConsumerID `bun:",pk"`
	HostID     HostID
	HostName   string
	ProjectID  string
	UserID     string    // who asked
	Resources  Resources `bun:"type:text"`
	CreatedAt  time.Time
}
