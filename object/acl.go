package object

import (
	"context"
	"strings"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Words of an access list. Besides them an element names who may: project:user,
// both as ids, either of which may be a star.
const (
	aclAnybody  = ".r:*"
	aclListings = ".rlistings"
)

// cleanACL returns the access list with its elements in their short form, or
// fault.Invalid for what would silently grant something else than it says.
func cleanACL(what, acl string, reading bool) (string, error) {
	var list []string
	for _, e := range strings.Split(acl, ",") {
		e = strings.Join(strings.Fields(e), "")
		for _, long := range []string{".ref:", ".referer:", ".referrer:"} {
			if host, ok := strings.CutPrefix(e, long); ok {
				e = ".r:" + host
			}
		}
		project, user, pair := strings.Cut(e, ":")
		switch {
		case e == "":
			continue
		case strings.HasPrefix(e, ".") && !reading:
			return "", fault.Invalid.Errorf("%s: %q lets nobody write; name project:user", what, e)
		case e == aclAnybody, e == aclListings:
		case strings.HasPrefix(e, "."):
			return "", fault.Invalid.Errorf("%s: %q is not supported: a referrer can be forged; use .r:* or project:user", what, e)
		case !pair || project == "" || user == "":
			return "", fault.Invalid.Errorf("%s: %q must be project:user, .r:* or .rlistings", what, e)
		}
		list = append(list, e)
	}
	return strings.Join(list, ","), nil
}

// listed reports whether an access list names the caller.
func listed(acl string, c identity.Caller) bool {
	if c.Nobody() || c.ProjectID == "" {
		return false
	}
	for e := range strings.SplitSeq(acl, ",") {
		project, user, pair := strings.Cut(e, ":")
		if pair && project != ".r" && (project == "*" || project == c.ProjectID) && (user == "*" || user == c.UserID) {
			return true
		}
	}
	return false
}

func has(acl, element string) bool {
	for e := range strings.SplitSeq(acl, ",") {
		if e == element {
			return true
		}
	}
	return false
}

// mayList, mayRead and mayWrite return nil when the caller may, as a member of
// the project or because the container's lists say so.
func mayList(ctx context.Context, c Container) error {
	if has(c.ReadACL, aclListings) && has(c.ReadACL, aclAnybody) || listed(c.ReadACL, identity.CallerOf(ctx)) {
		return nil
	}
	return identity.Allow(ctx, "object:container:show", account(c.ProjectID))
}

func mayRead(ctx context.Context, c Container) error {
	if has(c.ReadACL, aclAnybody) || listed(c.ReadACL, identity.CallerOf(ctx)) {
		return nil
	}
	return identity.Allow(ctx, "object:read", account(c.ProjectID))
}

func mayWrite(ctx context.Context, c Container) error {
	if listed(c.WriteACL, identity.CallerOf(ctx)) {
		return nil
	}
	return identity.Allow(ctx, "object:write", account(c.ProjectID))
}

// owns reports whether the caller may see what only the project should know.
func owns(ctx context.Context, project string) bool {
	return identity.Allow(ctx, "object:container:update", account(project)) == nil
}
