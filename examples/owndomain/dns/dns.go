// Package dns gives every server a name in the DNS. It is a domain that an
// integrator adds to a cloud, made of the same parts as those that come with it.
//
// It hears from compute which servers start and which are gone, and keeps one
// hosts file per server in a directory, which dnsmasq reads with --hostsdir. The
// HTTP face calls Service; Manager is the Service of the process that owns the
// table. A name holds its project, so that no project can take another's.
package dns

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/page"
)

// A Record is the published name of a server.
type Record struct {
	bun.BaseModel `bun:"table:dns_records" json:"-"`

	ServerID  compute.ServerID `bun:",pk"`
	ProjectID string
	Name      string // "web.5f0c….cloud.example"
	Address   string
	CreatedAt time.Time
}

// Owner returns the project that r belongs to.
func (r Record) Owner() string { return r.ProjectID }

// Service is what the HTTP face calls. What belongs to another project is
// fault.NotFound.
type Service interface {
	// Record returns the record of a server.
	Record(ctx context.Context, id compute.ServerID) (Record, error)
	// Records returns a page of the records of the caller's project.
	Records(ctx context.Context, q page.Query) (page.Of[Record], error)
}

// Actions, and who may do them unless the operator says otherwise.
var _ = identity.Define(identity.Rules{
	"dns:show":     identity.Reader,
	"dns:list":     identity.Reader,
	"dns:list-all": identity.SystemReader,
})
