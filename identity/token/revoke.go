package token

import (
	"sync"
	"sync/atomic"
	"time"
)

// Subjects of a revocation: what the tokens that it takes back have in common.
const (
	ByAudit      = "audit"      // one token
	ByUser       = "user"       // all of a user's: its password changed, it was disabled or deleted
	ByProject    = "project"    // all scoped to a project
	ByDomain     = "domain"     // all scoped to a domain, or of its users and projects
	ByRole       = "role"       // all that carry a role, by the role's name
	ByGrant      = "grant"      // a user's in one scope; see GrantSubject
	ByCredential = "credential" // all made with an application credential
)

// A Revocation takes back every token of its subject that was issued before a time.
type Revocation struct {
	Subject string    `json:"subject"` // one of the words above, a slash and an id
	Before  time.Time `json:"before"`
}

// Revoke returns the revocation of the tokens of a kind and id issued before now.
func Revoke(kind, id string, now time.Time) Revocation {
	return Revocation{Subject: kind + "/" + id, Before: now.Truncate(time.Microsecond)}
}

// GrantSubject names a user in one scope, for ByGrant: project, domain or
// system, and its id.
func GrantSubject(user, scope, id string) string { return user + "/" + scope + "/" + id }

// Revocations are all that may still matter, in memory. The zero value is empty
// and ready; it is safe for concurrent use.
type Revocations struct {
	changes atomic.Uint64
	mu      sync.RWMutex
	before  map[string]time.Time
}

// Add notes revocations; those known already change nothing.
func (r *Revocations) Add(revocations ...Revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.before == nil {
		r.before = map[string]time.Time{}
	}
	for _, v := range revocations {
		if r.before[v.Subject].Before(v.Before) {
			r.before[v.Subject] = v.Before
			r.changes.Add(1)
		}
	}
}

// Prune forgets what took back only tokens issued before oldest, all of which
// have expired.
func (r *Revocations) Prune(oldest time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for subject, before := range r.before {
		if before.Before(oldest) {
			delete(r.before, subject)
		}
	}
}

// Changes counts the additions: while it stands still, so does every answer of Revoked.
func (r *Revocations) Changes() uint64 { return r.changes.Load() }

// Revoked reports whether the token that says c was taken back.
func (r *Revocations) Revoked(c Claims) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.before) == 0 {
		return false
	}
	gone := func(kind, id string) bool {
		if id == "" {
			return false
		}
		before, ok := r.before[kind+"/"+id]
		return ok && !c.IssuedAt.After(before)
	}
	for _, role := range c.Roles {
		if gone(ByRole, role) {
			return true
		}
	}
	return gone(ByAudit, c.AuditID) || gone(ByUser, c.UserID) || gone(ByDomain, c.UserDomainID) ||
		gone(ByProject, c.ProjectID) || gone(ByDomain, c.ProjectDomainID) || gone(ByDomain, c.DomainID) ||
		gone(ByCredential, c.CredentialID) || gone(ByGrant, grantOf(c))
}

func grantOf(c Claims) string {
	switch {
	case c.ProjectID != "":
		return GrantSubject(c.UserID, "project", c.ProjectID)
	case c.DomainID != "":
		return GrantSubject(c.UserID, "domain", c.DomainID)
	case c.System:
		return GrantSubject(c.UserID, "system", "all")
	}
	return ""
}
