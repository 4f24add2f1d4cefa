package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nacre-cloud/nacre/identity/policy"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Rules says who may do what: an action, such as "volume:create", and the rule
// that must hold for it, in the grammar of package policy.
type Rules map[string]string

// The rules most actions need. Reader, Member and ProjectManager ask for that role in
// the project that owns the target; an administrator passes all of them.
const (
	Anyone         = "@" // whoever has authenticated
	Reader         = "role:admin or (role:reader and project_id:%(project_id)s) or (role:reader and system_scope:all)"
	Member         = "role:admin or (role:member and project_id:%(project_id)s)"
	ProjectManager = "role:admin or (role:manager and project_id:%(project_id)s)"
	Admin          = "role:admin"
	AnyService     = "role:admin or role:service" // another domain, through AsService
	// SystemReader may look at what no project owns, such as hosts.
	SystemReader = "role:admin or (role:reader and system_scope:all)"
)

// A Target is a thing an action is done to; see policy.Target. A target whose
// method VisibleTo(Caller) answers true may be seen although another project owns it.
type Target = policy.Target

// InProject is the target for something a project owns that is not made yet,
// or not loaded.
type InProject string

// Owner returns the project's id.
func (p InProject) Owner() string { return string(p) }

// OfUser is the target for something that belongs to a user, such as a keypair.
// Rules ask for it with user_id:%(user_id)s.
type OfUser string

// Owner returns nothing: no project owns it.
func (OfUser) Owner() string { return "" }

// Field returns the user for user_id.
func (u OfUser) Field(name string) string {
	if name == "user_id" {
		return string(u)
	}
	return ""
}

// VisibleTo reports whether c is that user.
func (u OfUser) VisibleTo(c Caller) bool { return c.UserID == string(u) }

// baggagePolicy is the key under which the digest of an operator's policy travels.
const baggagePolicy = "policy"

var (
	defining sync.Mutex
	defined  = Rules{}
	defaults atomic.Pointer[policy.Set]
	policies sync.Map // digest → *Policy
)

// Define declares the default rules of a domain's actions, for a package
// variable: var rules = identity.Define(identity.Rules{…}). A rule that does not
// compile, or an action that is defined already, is a bug and panics.
func Define(rules Rules) Rules {
	defining.Lock()
	defer defining.Unlock()
	for action, rule := range rules {
		if old, ok := defined[action]; ok && old != rule {
			panic(fmt.Sprintf("identity: action %q is defined twice", action))
		}
		defined[action] = rule
	}
	set, err := policy.Compile(defined)
	if err != nil {
		panic("identity: " + err.Error())
	}
	defaults.Store(set)
	return rules
}

// Defined reports whether a domain of this program declared the action.
func Defined(action string) bool {
	set := defaults.Load()
	return set != nil && set.Rule(action) != nil
}

// A Policy is the default rules with an operator's changes.
type Policy struct {
	digest string
	set    *policy.Set
}

// NewPolicy returns the default rules with those of changes instead. Names
// without a colon are the operator's own, for use as rule:name. Unknown actions
// and rules that do not compile are Invalid.
func NewPolicy(changes Rules) (*Policy, error) {
	defining.Lock()
	all := maps.Clone(defined)
	defining.Unlock()
	for name, rule := range changes {
		if _, ok := all[name]; !ok && strings.Contains(name, ":") {
			return nil, fault.Invalid.Errorf("policy: there is no action %q", name)
		}
		all[name] = rule
	}
	set, err := policy.Compile(all)
	if err != nil {
		return nil, fault.Invalid.Wrap(err, "policy")
	}
	text, err := json.Marshal(changes)
	if err != nil {
		return nil, fault.Internal.Wrap(err, "policy")
	}
	sum := sha256.Sum256(text)
	p := &Policy{digest: hex.EncodeToString(sum[:12]), set: set}
	policies.Store(p.digest, p)
	return p, nil
}

// WithPolicy returns ctx in which p decides, here and in every process that
// made the same Policy; one that did not denies everything.
func WithPolicy(ctx context.Context, p *Policy) context.Context {
	return bus.WithBaggage(ctx, baggagePolicy, p.digest)
}

// Allow returns nil when the caller of ctx may do action to target. Nobody is
// Unauthenticated; what the caller may not see is NotFound; what it may see but
// not do is Forbidden. A nil target is whatever the caller's own project owns.
func Allow(ctx context.Context, action string, target Target) error {
	baggage := bus.Baggage(ctx)
	c := callerOf(ctx, baggage)
	if c.Nobody() {
		return fault.Unauthenticated.Errorf("%s: nobody is calling; send a token", action)
	}
	set := defaults.Load()
	if digest := baggage[baggagePolicy]; digest != "" {
		p, ok := policies.Load(digest)
		if !ok {
			return fault.Internal.Errorf("%s: this process does not have policy %s; give all processes the same rules", action, digest)
		}
		set = p.(*Policy).set
	}
	var rule *policy.Rule
	if set != nil {
		rule = set.Rule(action)
	}
	switch {
	case rule == nil:
		return fault.Internal.Errorf("action %q has no rule", action)
	case rule.Allows((*asker)(c), target):
		return nil
	case !visible(*c, target):
		return fault.NotFound.Errorf("%s: there is no such thing", action)
	}
	return fault.Forbidden.Errorf("%s is not allowed: %s", action, needs(rule))
}

// visible reports whether c may know that the target exists.
func visible(c Caller, target Target) bool {
	if target == nil || c.Admin() || c.System && c.Has(RoleReader) {
		return true
	}
	if v, ok := target.(interface{ VisibleTo(c Caller) bool }); ok && v.VisibleTo(c) {
		return true
	}
	return c.ProjectID != "" && target.Owner() == c.ProjectID
}

func needs(r *policy.Rule) string {
	switch roles := r.Roles(); len(roles) {
	case 0:
		return "no role gives this"
	case 1:
		return "it needs the role " + roles[0]
	default:
		return "it needs one of the roles " + strings.Join(roles, ", ")
	}
}

// asker is a Caller as rules see it: behind a pointer, for a check copies nothing.
type asker Caller

// Has ignores case, as rules and roles do.
func (c *asker) Has(role string) bool {
	return slices.ContainsFunc(c.Roles, func(r string) bool { return strings.EqualFold(r, role) })
}

func (c *asker) Field(name string) string {
	switch name {
	case "project_id", "tenant_id":
		return c.ProjectID
	case "user_id":
		return c.UserID
	case "domain_id":
		return c.DomainID
	case "system_scope":
		return when(c.System, "all")
	case "is_admin":
		return when(c.Has(RoleAdmin), "true")
	case "user_name":
		return c.UserName
	case "user_domain_id":
		return c.UserDomainID
	case "project_name":
		return c.ProjectName
	case "project_domain_id":
		return c.ProjectDomainID
	case "service":
		return c.Service
	}
	return ""
}

func when(holds bool, word string) string {
	if holds {
		return word
	}
	return ""
}

var (
	_ policy.Caller    = (*asker)(nil)
	_ policy.Described = OfUser("")
)
