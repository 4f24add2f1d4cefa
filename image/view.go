package image

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// A view is an image as rules see it when one project looks at it.
type view struct {
	Image
	openTo string // the caller's project, when the image is open to it
	member string // the project that an offer is made to, when it is about one
}

// Field returns what rules ask about besides the owner.
func (v view) Field(name string) string {
	switch name {
	case "open_to":
		return v.openTo
	case "member_id":
		return v.member
	}
	return ""
}

// VisibleTo reports whether c may know that the image exists.
func (v view) VisibleTo(c identity.Caller) bool {
	return v.openTo != "" && v.openTo == c.ProjectID
}

// look loads an image as the caller of ctx sees it.
func look(ctx context.Context, idb bun.IDB, id ID) (view, error) {
	i, err := loadImage(ctx, idb, id)
	if err == nil && i.Status == Deleting {
		err = missing(fault.NotFound, "image", string(id))
	}
	if err != nil {
		return view{}, err
	}
	v, project := view{Image: i}, identity.CallerOf(ctx).ProjectID
	if project == "" || project == i.ProjectID {
		return v, nil
	}
	open := i.Visibility == Public || i.Visibility == Community
	if i.Visibility == Shared {
		if open, err = isMember(ctx, idb, MemberID{id, project}); err != nil {
			return view{}, err
		}
	}
	if open {
		v.openTo = project
	}
	return v, nil
}

// allowed loads an image that the caller may do action to.
func allowed(ctx context.Context, idb bun.IDB, id ID, action string) (Image, error) {
	v, err := look(ctx, idb, id)
	if err != nil {
		return Image{}, err
	}
	return v.Image, identity.Hide(identity.Allow(ctx, action, v), "image", string(id))
}

var _ identity.Target = view{}
