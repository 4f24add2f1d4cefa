// Package image keeps what servers boot from.
//
// An image is a description and a body of bytes. It is queued until its bytes
// are uploaded, and active from then on; bytes never change. Bytes are inspected
// before anything else reads them, see package inspect, and identified by their
// digests. The HTTP face and other domains call Service for descriptions, and
// Content for bytes, which never cross the bus: a host fetches them over HTTP, or
// straight from the store. Stores are added by writing a Driver and listing it
// with AddStore. OpenStack calls this service Glance.
package image

import (
	"time"

	"github.com/uptrace/bun"
)

// An Image is something to boot from.
type Image struct {
	bun.BaseModel `bun:"table:images"`

	ID              ID `bun:",pk"`
	ProjectID       string
	Name            string
	Status          Status
	Visibility      Visibility
	Protected       bool // may not be deleted
	Hidden          bool // not listed unless asked for
	DiskFormat      string
	ContainerFormat string
	SizeBytes       int64 // 0 until uploaded
	VirtualBytes    int64 // of the disk inside; 0 until uploaded
	MD5             string
	SHA512          string
	MinDiskGiB      int
	MinMemoryMiB    int
	Store           string            // the store that keeps the bytes, or will
	Blob            ID                // what the store knows the bytes by, new for each upload; empty until uploaded
	Properties      map[string]string `bun:"type:text"` // what the user says about it
	Tags            []string          `bun:"type:text"` // sorted
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// Owner returns the project that i belongs to.
func (i Image) Owner() string { return i.ProjectID }

// Status says whether an image has its bytes.
type Status string

// States of an image.
const (
	Queued      Status = "queued"      // waits for its bytes
	Saving      Status = "saving"      // its bytes are being uploaded
	Active      Status = "active"      // servers may boot from it
	Deactivated Status = "deactivated" // its bytes are locked; administrators may still read them
	Deleting    Status = "deleted"     // on its way out, and found by nobody
)

// Visibility says who may see an image besides its project.
type Visibility string

// From nobody to everybody.
const (
	Private   Visibility = "private"   // nobody
	Shared    Visibility = "shared"    // its members
	Community Visibility = "community" // everybody who knows its id
	Public    Visibility = "public"    // everybody
)
