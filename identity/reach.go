package identity

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Own checks that the caller of ctx may do action in its own project, and
// returns the caller. A token without a project is fault.Invalid.
func Own(ctx context.Context, action string) (Caller, error) {
	c := CallerOf(ctx)
	if err := Allow(ctx, action, InProject(c.ProjectID)); err != nil {
		return c, err
	}
	if c.ProjectID == "" {
		return c, fault.Invalid.Errorf("%s needs a token for a project", action)
	}
	return c, nil
}

// ProjectToList returns the project whose things a list may show, or "" for
// those of all projects. Everything outside the caller's own project needs
// action + "-all".
func ProjectToList(ctx context.Context, action, project string, all bool) (string, error) {
	c := CallerOf(ctx)
	if all || project != "" && project != c.ProjectID {
		return project, Allow(ctx, action+"-all", nil)
	}
	return c.ProjectID, Allow(ctx, action, InProject(c.ProjectID))
}

// Hide words the denial of a thing that exists like the absence of one that does
// not, so that the two cannot be told apart.
func Hide(err error, what, id string) error {
	if err != nil && fault.Of(err) == fault.NotFound {
		return fault.NotFound.Errorf("%s %s could not be found", what, id)
	}
	return err
}
