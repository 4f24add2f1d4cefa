package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/fault"
)

var _ = identity.Define(identity.Rules{
	"thing:show":   identity.Reader,
	"thing:create": identity.Member,
	"thing:share":  identity.ProjectManager,
	"thing:purge":  identity.Admin,
	"thing:bind":   identity.AnyService,
	"thing:hosts":  identity.SystemReader,
	"thing:ping":   identity.Anyone,
	"thing:mine":   "user_id:%(user_id)s",
})

type shared struct{ identity.InProject }

func (shared) VisibleTo(identity.Caller) bool { return true }

func in(project string, roles ...string) context.Context {
	return identity.With(context.Background(), identity.Caller{
		UserID: "u-" + project, ProjectID: project, Roles: identity.Expand(roles...),
	})
}

func TestAllow(t *testing.T) {
	mine, theirs := identity.InProject("a"), identity.InProject("b")
	system := identity.With(context.Background(), identity.Caller{UserID: "auditor", System: true, Roles: []string{"reader"}})
	tests := []struct {
		name   string
		ctx    context.Context
		action string
		target identity.Target
		want   error
	}{
		{"nobody is unauthenticated", context.Background(), "thing:show", mine, fault.Unauthenticated},
		{"nobody is unauthenticated even where anyone may", context.Background(), "thing:ping", nil, fault.Unauthenticated},
		{"nobody with the service role stays nobody", identity.AsService(context.Background(), "x"), "thing:bind", nil, fault.Unauthenticated},
		{"a reader reads", in("a", "reader"), "thing:show", mine, nil},
		{"a member reads", in("a", "member"), "thing:show", mine, nil},
		{"a reader does not create", in("a", "reader"), "thing:create", mine, fault.Forbidden},
		{"a reader does not create in its own project", in("a", "reader"), "thing:create", nil, fault.Forbidden},
		{"a member creates in its own project", in("a", "member"), "thing:create", nil, nil},
		{"another project's things do not exist", in("a", "manager"), "thing:show", theirs, fault.NotFound},
		{"a shared thing is seen but not changed", in("a", "manager"), "thing:create", shared{theirs}, fault.Forbidden},
		{"a thing without an owner is nobody's", in("", "manager"), "thing:show", identity.InProject(""), fault.NotFound},
		{"an administrator may everything", in("a", "admin"), "thing:purge", theirs, nil},
		{"a manager is no administrator", in("a", "manager"), "thing:purge", mine, fault.Forbidden},
		{"a manager manages", in("a", "manager"), "thing:share", mine, nil},
		{"services have actions of their own", in("a", "member"), "thing:bind", mine, fault.Forbidden},
		{"a service acts for a user", identity.AsService(in("a", "member"), "compute"), "thing:bind", mine, nil},
		{"a service reaches no further than its user", identity.AsService(in("a", "member"), "compute"), "thing:create", theirs, fault.NotFound},
		{"system readers read", system, "thing:show", theirs, nil},
		{"system readers change nothing", system, "thing:create", theirs, fault.Forbidden},
		{"system work", identity.With(context.Background(), identity.System("x.reconcile")), "thing:purge", theirs, nil},
		{"own user's things", in("a"), "thing:mine", identity.OfUser("u-a"), nil},
		{"other users' things do not exist", in("a", "manager"), "thing:mine", identity.OfUser("u-b"), fault.NotFound},
		{"an unknown action is a bug", in("a", "admin"), "thing:fly", nil, fault.Internal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := identity.Allow(tt.ctx, tt.action, tt.target); !errors.Is(err, tt.want) {
				t.Errorf("Allow = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestForbiddenSaysWhatIsNeeded(t *testing.T) {
	err := identity.Allow(in("a", "reader"), "thing:create", nil)
	for _, want := range []string{"thing:create", "admin, member"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not mention %s", err, want)
		}
	}
}

func TestAPolicyOverridesRules(t *testing.T) {
	p, err := identity.NewPolicy(identity.Rules{"trusted": "role:auditor", "thing:purge": "rule:trusted"})
	if err != nil {
		t.Fatal(err)
	}
	ctx := identity.WithPolicy(in("a", "auditor"), p)
	if err := identity.Allow(ctx, "thing:purge", nil); err != nil {
		t.Error(err)
	}
	if err := identity.Allow(in("a", "auditor"), "thing:purge", nil); !errors.Is(err, fault.Forbidden) {
		t.Errorf("the policy leaked: %v", err)
	}
	crossed := bus.Restore(context.Background(), bus.Baggage(ctx))
	if err := identity.Allow(crossed, "thing:purge", nil); err != nil {
		t.Errorf("the policy did not travel: %v", err)
	}
	unknown := bus.WithBaggage(ctx, "policy", "0123")
	if err := identity.Allow(unknown, "thing:ping", nil); !errors.Is(err, fault.Internal) {
		t.Errorf("a policy that is not here must deny: %v", err)
	}
	for _, bad := range []identity.Rules{{"thing:typo": "@"}, {"thing:ping": "role:"}, {"thing:ping": "rule:none"}} {
		if _, err := identity.NewPolicy(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestTheCallerTravels(t *testing.T) {
	c := identity.Caller{UserID: "u", UserName: "ünï\"code", ProjectID: "p", Roles: []string{"member", "reader"}}
	ctx := identity.With(context.Background(), c)
	crossed := bus.Restore(context.Background(), bus.Baggage(ctx))
	if d := cmp.Diff(c, identity.CallerOf(crossed)); d != "" {
		t.Error(d)
	}
	other := identity.With(context.Background(), identity.Caller{UserID: "v"})
	if got := identity.CallerOf(bus.Restore(ctx, bus.Baggage(other))); got.UserID != "v" {
		t.Errorf("after Restore the caller is still %s", got.UserID)
	}
	if got := identity.CallerOf(bus.Restore(ctx, nil)); !got.Nobody() {
		t.Errorf("without baggage the caller is still %s", got.UserID)
	}
}

func TestAServiceKeepsUserAndProject(t *testing.T) {
	before := identity.CallerOf(in("a", "member"))
	got := identity.CallerOf(identity.AsService(in("a", "member"), "compute"))
	if got.UserID != before.UserID || got.ProjectID != "a" || !got.Has("service") || got.Admin() || got.Service != "compute" {
		t.Errorf("%+v", got)
	}
	if before.Has("service") {
		t.Error("the caller before was changed")
	}
}

func FuzzCallerFromBaggage(f *testing.F) {
	f.Add(`{"user":"u"}`)
	f.Fuzz(func(t *testing.T, text string) {
		c := identity.CallerOf(bus.WithBaggage(context.Background(), "caller", text))
		var want identity.Caller
		if json.Unmarshal([]byte(text), &want) != nil && !c.Nobody() {
			t.Errorf("%q became %+v", text, c)
		}
	})
}

func BenchmarkAllow(b *testing.B) {
	ctx := in("a", "member")
	var target identity.Target = identity.InProject("a")
	for b.Loop() {
		if err := identity.Allow(ctx, "thing:create", target); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWith(b *testing.B) {
	c := identity.CallerOf(in("a", "member"))
	ctx := context.Background()
	for b.Loop() {
		identity.With(ctx, c)
	}
}
