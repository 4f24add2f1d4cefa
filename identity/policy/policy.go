// Package policy compiles rules that say who may do what.
//
// A rule is written in the grammar that OpenStack operators know from
// oslo.policy:
//
//	role:admin or (role:member and project_id:%(project_id)s)
//
// Left of a colon stands what the caller has, right of it a word or a field of
// the target. Rules are compiled once into closures; a check is then a handful
// of comparisons. What cannot be understood is refused when it is compiled:
// nothing is decided by a rule that was misread. Package identity is the only
// caller; domains and operators write rules as data and hand them to it.
package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// A Caller is what a rule may ask about who is calling.
type Caller interface {
	// Has reports whether the caller has a role.
	Has(role string) bool
	// Field returns one of CallerFields; empty when the caller has none.
	Field(name string) string
}

// A Target is a thing an action is done to; nil is whatever the caller's own
// project owns. A thing may also be Described.
type Target interface {
	// Owner returns the id of the project that owns the thing; empty when none does.
	Owner() string
}

// Described is a Target with fields beside its owner that rules ask about, such
// as user_id or domain_id.
type Described interface {
	Target
	// Field returns the named field; empty when the thing has none.
	Field(name string) string
}

// CallerFields are the words that may stand left of a colon, besides role and rule.
var CallerFields = []string{
	"user_id", "user_name", "user_domain_id", "project_id", "tenant_id", "project_name",
	"project_domain_id", "domain_id", "system_scope", "service", "is_admin",
}

// A Set is a compiled collection of rules, by name. It does not change.
type Set struct {
	rules map[string]*Rule
}

// A Rule is one compiled rule of a Set.
type Rule struct {
	text  string
	roles []string
	allow check
}

type check func(c Caller, t Target) bool

// Compile reads rules, which may refer to one another by rule:name. A syntax
// error, an unknown word, a missing rule or a circle is Invalid.
func Compile(texts map[string]string) (*Set, error) {
	c := compiler{texts: texts, rules: make(map[string]*Rule, len(texts)), open: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if _, err := c.rule(name); err != nil {
			return nil, err
		}
	}
	return &Set{c.rules}, nil
}

// Rule returns the rule of that name, or nil.
func (s *Set) Rule(name string) *Rule { return s.rules[name] }

// Allows reports whether the rule holds for what c wants to do to t.
func (r *Rule) Allows(c Caller, t Target) bool { return r.allow(c, t) }

// Roles returns the roles that the rule asks about, sorted.
func (r *Rule) Roles() []string { return r.roles }

// String returns the rule as it was written.
func (r *Rule) String() string { return r.text }

// compiler turns texts into rules, following references depth first.
type compiler struct {
	texts map[string]string
	rules map[string]*Rule
	open  map[string]bool
}

func (c *compiler) rule(name string) (*Rule, error) {
	if r, ok := c.rules[name]; ok {
		return r, nil
	}
	text, ok := c.texts[name]
	if !ok {
		return nil, fault.Invalid.Errorf("there is no rule %q", name)
	}
	if c.open[name] {
		return nil, fault.Invalid.Errorf("rule %q refers to itself", name)
	}
	c.open[name] = true
	defer delete(c.open, name)

	p := parser{compiler: c, tokens: tokenize(text), roles: map[string]bool{}}
	allow, err := p.parse()
	if err != nil {
		return nil, fault.Invalid.Wrap(err, "rule %q", name)
	}
	r := &Rule{text: strings.TrimSpace(text), roles: slices.Sorted(maps.Keys(p.roles)), allow: allow}
	c.rules[name] = r
	return r, nil
}
