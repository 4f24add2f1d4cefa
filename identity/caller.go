package identity

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/nacre-cloud/nacre/kit/bus"
)

// Names of the roles every cloud has. Admin implies manager, manager implies
// member, member implies reader; service stands alone.
const (
	RoleAdmin   = "admin"
	RoleManager = "manager"
	RoleMember  = "member"
	RoleReader  = "reader"
	RoleService = "service"
)

// ranks orders the roles that imply one another: each implies all after it.
var ranks = []string{RoleAdmin, RoleManager, RoleMember, RoleReader}

// baggageCaller is the key under which the caller travels with calls, events and flows.
const baggageCaller = "caller"

// A Caller is who asks for something, in which scope and with which roles. It
// travels with the context, across processes and crashes. At most one of
// ProjectID, DomainID and System is set. The zero Caller is nobody, and nobody
// is allowed nothing.
type Caller struct {
	UserID          string   `json:"user,omitempty"`
	UserName        string   `json:"user_name,omitempty"`
	UserDomainID    string   `json:"user_domain,omitempty"`
	ProjectID       string   `json:"project,omitempty"` // project scope
	ProjectName     string   `json:"project_name,omitempty"`
	ProjectDomainID string   `json:"project_domain,omitempty"`
	DomainID        string   `json:"domain,omitempty"`     // domain scope
	System          bool     `json:"system,omitempty"`     // system scope
	Roles           []string `json:"roles,omitempty"`      // with every implied role
	AuditID         string   `json:"audit,omitempty"`      // names the token without being usable as one
	Service         string   `json:"service,omitempty"`    // the service that acts for the user, if one does
	CredentialID    string   `json:"credential,omitempty"` // the application credential used, if any
}

// Nobody reports whether nothing is known about who is calling.
func (c Caller) Nobody() bool { return c.UserID == "" }

// Has reports whether the caller has the role, directly or implied.
func (c Caller) Has(role string) bool { return slices.Contains(c.Roles, role) }

// Admin reports whether the caller administers the cloud. The admin role does
// so in whatever scope it was given: grant manager to administer one project or domain.
func (c Caller) Admin() bool { return c.Has(RoleAdmin) }

// System returns the caller for work that no user asked for, such as a
// reconciler's. The name says which: "volume.reconcile".
func System(name string) Caller {
	return Caller{
		UserID:   "system:" + name,
		UserName: name,
		System:   true,
		Service:  name,
		Roles:    append(Expand(RoleAdmin), RoleService),
	}
}

// Expand returns roles with the roles that they imply in every cloud.
func Expand(roles ...string) []string {
	out := slices.Clone(roles)
	for _, role := range roles {
		if i := slices.Index(ranks, role); i >= 0 {
			out = append(out, ranks[i+1:]...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// carried is a caller in a context, with the baggage it was written as.
type carried struct {
	caller Caller
	text   string
}

type callerKey struct{}

var nobody Caller

// With returns ctx with c as the caller, in this process and wherever its
// baggage is restored.
func With(ctx context.Context, c Caller) context.Context { return carry(c).into(ctx) }

// carry prepares c for contexts; what it returns serves any number of them.
func carry(c Caller) *carried {
	text, err := json.Marshal(c)
	if err != nil {
		panic("identity: a caller is strings and must encode: " + err.Error())
	}
	return &carried{c, string(text)}
}

func (c *carried) into(ctx context.Context) context.Context {
	return context.WithValue(bus.WithBaggage(ctx, baggageCaller, c.text), callerKey{}, c)
}

// CallerOf returns the caller of ctx, or the zero Caller when there is none.
// Its Roles must not be changed.
func CallerOf(ctx context.Context) Caller {
	return *callerOf(ctx, bus.Baggage(ctx))
}

// callerOf trusts the value in ctx only while the baggage still says the same:
// bus.Restore replaces who is calling without knowing of the value.
func callerOf(ctx context.Context, baggage map[string]string) *Caller {
	text := baggage[baggageCaller]
	if text == "" {
		return &nobody
	}
	if v, ok := ctx.Value(callerKey{}).(*carried); ok && v.text == text {
		return &v.caller
	}
	c := new(Caller)
	if json.Unmarshal([]byte(text), c) != nil {
		return &nobody
	}
	return c
}

// AsService returns ctx with the service role added to its caller, whose user
// and project stay. With it one domain calls those actions of another that
// users may not, such as binding a port. Nobody stays nobody.
func AsService(ctx context.Context, name string) context.Context {
	c := CallerOf(ctx)
	c.Service = name
	if !c.Nobody() && !c.Has(RoleService) {
		c.Roles = append(slices.Clone(c.Roles), RoleService)
	}
	return With(ctx, c)
}
