// Package metering records what was used, by whom, and for how long.
//
// It keeps two things apart. A Span is a fact for bills: a server had this
// flavor from here to there. Spans are made from compute's events, each exactly
// once, and are kept for ever. A Sample is one reading of a meter, such as the
// processor time of a server; compute is asked for them every minute, others may
// Record theirs, and they are pruned after a while.
//
// Reports and the HTTP face call Service. The process that owns the tables
// provides it as a Manager, every other one as a meteringrpc.Client. Where
// samples are kept is a Driver: tables of this domain unless another is listed.
// In OpenStack this is Ceilometer and Gnocchi, and the simple usage of Nova.
package metering

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// MeterID names a meter: a UUID made from its name, resource and project.
type MeterID string

var meterIDs = uuid.MustParse("0197a3d4-0b1e-7e55-9c1d-6a2f8e4b7c10")

// IDOf returns the id of a resource's meter.
func IDOf(name, resource, project string) MeterID {
	return MeterID(uuid.NewSHA1(meterIDs, []byte(name+"\x00"+resource+"\x00"+project)).String())
}

// A Meter is one quantity of one resource.
type Meter struct {
	bun.BaseModel `bun:"table:metering_meters,alias:m"`

	ID         MeterID `bun:",pk"`
	Key        int64   `json:"-"` // what samples are stored under: eight bytes of the id
	Name       string  // "cpu"
	ResourceID string  // a server's id
	ProjectID  string
}

// Unit returns the unit of the meter, or an empty string for one of the integrator's own.
func (m Meter) Unit() string { return units[m.Name] }

// A Sample is one reading of a meter.
type Sample struct {
	Meter      string
	ResourceID string
	ProjectID  string // of the resource; found out by Manager when empty
	At         time.Time
	Value      float64
}

func (s Sample) meter() Meter {
	id := IDOf(s.Meter, s.ResourceID, s.ProjectID)
	raw := uuid.MustParse(string(id))
	return Meter{
		ID: id, Key: int64(binary.BigEndian.Uint64(raw[8:])),
		Name: s.Meter, ResourceID: s.ResourceID, ProjectID: s.ProjectID,
	}
}

// Meters of servers. All but memory count up from the server's last boot.
const (
	CPU         = "cpu"
	Memory      = "memory.usage"
	DiskRead    = "disk.device.read.bytes"
	DiskWritten = "disk.device.write.bytes"
	NetworkIn   = "network.incoming.bytes"
	NetworkOut  = "network.outgoing.bytes"
)

var units = map[string]string{
	CPU: "ns", Memory: "MB", DiskRead: "B", DiskWritten: "B", NetworkIn: "B", NetworkOut: "B",
}

// A Statistic is what the samples of one period add up to.
type Statistic struct {
	Start  time.Time
	Period time.Duration
	Count  int64
	Min    float64
	Max    float64
	Sum    float64
}

// Avg returns the mean of the samples.
func (s Statistic) Avg() float64 { return s.Sum / float64(s.Count) }

// A Span says that a server had a flavor for some time. It ends when the server
// is deleted or resized, not when it is stopped: a stopped server keeps its room.
type Span struct {
	bun.BaseModel `bun:"table:metering_spans,alias:s"`

	ServerID   string    `bun:",pk"`
	StartedAt  time.Time `bun:",pk"`
	StoppedAt  time.Time `bun:",nullzero"` // zero while it goes on
	ServerName string
	ProjectID  string
	FlavorName string
	VCPUs      int `bun:"vcpus"`
	MemoryMiB  int `bun:"memory_mib"`
	DiskGiB    int `bun:"disk_gib"`
}

// Between returns how much of the span lies between from and to. One that goes
// on has lasted until now.
func (s Span) Between(from, to, now time.Time) time.Duration {
	end := s.StoppedAt
	if end.IsZero() {
		end = now
	}
	if end.After(to) {
		end = to
	}
	start := s.StartedAt
	if start.Before(from) {
		start = from
	}
	return max(0, end.Sub(start))
}

// A ServerUsage is a span and what of it counts.
type ServerUsage struct {
	Span
	Used time.Duration
}

// A ProjectUsage is what a project used between two moments.
type ProjectUsage struct {
	ProjectID      string
	From, To       time.Time
	Servers        []ServerUsage
	Hours          float64
	VCPUHours      float64
	MemoryMiBHours float64
	DiskGiBHours   float64
}

func (p *ProjectUsage) add(s ServerUsage) {
	hours := s.Used.Hours()
	p.Servers = append(p.Servers, s)
	p.Hours += hours
	p.VCPUHours += hours * float64(s.VCPUs)
	p.MemoryMiBHours += hours * float64(s.MemoryMiB)
	p.DiskGiBHours += hours * float64(s.DiskGiB)
}
