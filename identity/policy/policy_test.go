package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/identity/policy"
	"github.com/nacre-cloud/nacre/kit/fault"
)

type caller struct {
	roles  []string
	fields map[string]string
}

func (c caller) Has(role string) bool     { return slices.Contains(c.roles, role) }
func (c caller) Field(name string) string { return c.fields[name] }

type thing map[string]string

func (t thing) Owner() string            { return t["owner"] }
func (t thing) Field(name string) string { return t[name] }

var ada = caller{
	roles:  []string{"member", "reader"},
	fields: map[string]string{"user_id": "ada", "project_id": "p", "tenant_id": "p", "user_domain_id": "d"},
}

func TestRules(t *testing.T) {
	mine := thing{"owner": "p", "user_id": "ada", "visibility": "public"}
	theirs := thing{"owner": "q", "user_id": "bob"}
	tests := []struct {
		rule   string
		target policy.Target
		want   bool
	}{
		{"", mine, true},
		{"@", mine, true},
		{"!", mine, false},
		{"role:member", mine, true},
		{"role:MEMBER", mine, true},
		{"role:admin", mine, false},
		{"not role:admin", mine, true},
		{"not not role:admin", mine, false},
		{"role:admin or role:member", mine, true},
		{"role:admin and role:member", mine, false},
		{"role:member or role:admin and role:nobody", mine, true},
		{"(role:member or role:admin) and role:nobody", mine, false},
		{"not role:admin and role:member", mine, true},
		{"not (role:admin or role:member)", mine, false},
		{"((role:member))", mine, true},
		{"role:admin OR role:member", mine, true},
		{"project_id:%(project_id)s", mine, true},
		{"project_id:%(project_id)s", theirs, false},
		{"project_id:%(target.project_id)s", mine, true},
		{"tenant_id:%(tenant_id)s", mine, true},
		{"project_id:%(project_id)s", nil, true},
		{"user_id:%(user_id)s", mine, true},
		{"user_id:%(user_id)s", theirs, false},
		{"user_id:%(user_id)s", nil, false},
		{"domain_id:%(domain_id)s", thing{}, false},
		{"user_id:ada", nil, true},
		{"user_domain_id:d", theirs, true},
		{"'public':%(visibility)s", mine, true},
		{"'public':%(visibility)s", theirs, false},
		{`"a":"a"`, nil, true},
		{"'a':'b'", nil, false},
		{"is_admin:True", mine, false},
		{"is_admin:0", mine, true},
		{"is_admin", mine, false},
		{"rule:other", mine, true},
		{"(rule:other and project_id:%(project_id)s)", theirs, false},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			set, err := policy.Compile(map[string]string{"rule": tt.rule, "other": "role:reader"})
			if err != nil {
				t.Fatal(err)
			}
			if got := set.Rule("rule").Allows(ada, tt.target); got != tt.want {
				t.Errorf("%v for %v", got, tt.target)
			}
		})
	}
}

func TestWhatCannotBeUnderstoodIsRefused(t *testing.T) {
	for _, rule := range []string{
		"role", "role:", ":admin", "role:%(x)s", "role:admin role:member", "role:admin and", "or role:admin", "(role:admin",
		"role:admin)", "not", "()", "user_id:%(user_id)", "user_id:%()s", "user_id:%user%", "hat:red", "is_admin:maybe",
		"rule:none", "rule:rule", "rule:circle", "http:example.org", strings.Repeat("not ", 200) + "@", strings.Repeat("(", 200) + "@",
	} {
		t.Run(rule, func(t *testing.T) {
			_, err := policy.Compile(map[string]string{"rule": rule, "circle": "rule:back", "back": "role:x or rule:circle"})
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("Compile = %v", err)
			}
		})
	}
}

func TestRolesAreThoseARuleAsksFor(t *testing.T) {
	set, err := policy.Compile(map[string]string{"a": "role:x or rule:b", "b": "role:z and not role:y"})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Rule("a").Roles(); !slices.Equal(got, []string{"x", "y", "z"}) {
		t.Errorf("%v", got)
	}
	if set.Rule("c") != nil || set.Rule("a").String() != "role:x or rule:b" {
		t.Error("rules are found by name and tell their text")
	}
}

// FuzzCompile looks for rules that crash, and for those that a pair of
// parentheses around them would change.
func FuzzCompile(f *testing.F) {
	for _, rule := range []string{"", "@", "role:a or not (role:b and user_id:%(user_id)s)", "'x':%(y)s", "(((", "is_admin:1"} {
		f.Add(rule)
	}
	f.Fuzz(func(t *testing.T, rule string) {
		set, err := policy.Compile(map[string]string{"r": rule})
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", rule, err)
			}
			return
		}
		target := thing{"owner": "p", "user_id": "ada"}
		got := set.Rule("r").Allows(ada, target)
		if strings.TrimSpace(rule) == "" || strings.Count(rule, "(")+strings.Count(rule, "not") > 40 {
			return
		}
		around, err := policy.Compile(map[string]string{"r": "( " + rule + " )", "n": "not ( " + rule + " )"})
		if err != nil {
			t.Fatalf("%q: %v", rule, err)
		}
		if around.Rule("r").Allows(ada, target) != got || around.Rule("n").Allows(ada, target) == got {
			t.Errorf("%q changes its mind", rule)
		}
	})
}

func BenchmarkAllows(b *testing.B) {
	set, err := policy.Compile(map[string]string{"r": "role:admin or (role:member and project_id:%(project_id)s)"})
	if err != nil {
		b.Fatal(err)
	}
	rule, target := set.Rule("r"), thing{"owner": "p"}
	for b.Loop() {
		if !rule.Allows(ada, target) {
			b.Fatal("denied")
		}
	}
}
