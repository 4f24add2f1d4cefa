package imagetest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/quota"
)

func tenancy(t *testing.T, w World) {
	i := w.active(t, image.CreateSpec{}, "secret")
	_, err := w.Image(other(t), i.ID)
	is(t, "show", err, fault.NotFound)
	_, err = w.UpdateImage(other(t), image.Patch{ID: i.ID, Name: ptr("mine now")})
	is(t, "update", err, fault.NotFound)
	is(t, "delete", w.DeleteImage(other(t), i.ID), fault.NotFound)
	is(t, "deactivate", w.SetActive(other(t), image.ActiveSpec{ID: i.ID}), fault.NotFound)
	_, _, err = w.Content.Open(other(t), i.ID, image.Range{})
	is(t, "read", err, fault.NotFound)
	_, err = w.Content.Upload(other(t), i.ID, strings.NewReader("x"))
	is(t, "upload", err, fault.NotFound)
	_, err = w.AddMember(other(t), image.MemberID{ImageID: i.ID, ProjectID: "p2"})
	is(t, "add a member", err, fault.NotFound)
	_, err = w.Members(other(t), i.ID)
	is(t, "list members", err, fault.NotFound)
	list, err := w.Images(other(t), image.Query{Visibility: image.AnyVisibility, MemberStatus: image.AnyStatus})
	must(t, err)
	owned, err := w.Images(other(t), image.Query{ProjectID: "p1"})
	must(t, err)
	if len(list.Items)+len(owned.Items) != 0 {
		t.Errorf("another project lists %d and %d images", len(list.Items), len(owned.Items))
	}
	if got := w.content(t, admin(t), i.ID, image.Range{}); got != "secret" {
		t.Errorf("an administrator reads %q", got)
	}
}

func roles(t *testing.T, w World) {
	reader := identitytest.In(t, "p1", identity.RoleReader)
	i := w.active(t, image.CreateSpec{}, "x")
	_, err := w.Image(reader, i.ID)
	must(t, err)
	w.content(t, reader, i.ID, image.Range{})
	_, err = w.CreateImage(reader, image.CreateSpec{})
	is(t, "create", err, fault.Forbidden)
	_, err = w.UpdateImage(reader, image.Patch{ID: i.ID, Name: ptr("n")})
	is(t, "update", err, fault.Forbidden)
	is(t, "delete", w.DeleteImage(reader, i.ID), fault.Forbidden)
	_, err = w.Content.Upload(reader, i.ID, strings.NewReader("x"))
	is(t, "upload", err, fault.Forbidden)
	_, err = w.SetQuota(member(t), image.QuotaPatch{ProjectID: "p1", Limits: quota.Amount{image.ResourceImages: 5}})
	is(t, "quota", err, fault.Forbidden)
}

// lists says whether an image is in a list.
func (w World) lists(t *testing.T, ctx context.Context, id image.ID, q image.Query) bool {
	t.Helper()
	p, err := w.Images(ctx, q)
	must(t, err)
	return slices.ContainsFunc(p.Items, func(i image.Image) bool { return i.ID == id })
}

func visibility(t *testing.T, w World) {
	i := w.active(t, image.CreateSpec{Visibility: image.Private}, "x")
	for _, v := range []struct {
		image.Visibility
		show, list bool // to others
	}{{image.Private, false, false}, {image.Shared, false, false}, {image.Community, true, false}, {image.Public, true, true}} {
		_, err := w.UpdateImage(admin(t), image.Patch{ID: i.ID, Visibility: ptr(v.Visibility)})
		must(t, err)
		_, err = w.Image(other(t), i.ID)
		if (err == nil) != v.show {
			t.Errorf("%s: show: %v", v.Visibility, err)
		}
		if got := w.lists(t, other(t), i.ID, image.Query{}); got != v.list {
			t.Errorf("%s: listed: %t", v.Visibility, got)
		}
		if got := w.lists(t, other(t), i.ID, image.Query{Visibility: v.Visibility}); got != v.show {
			t.Errorf("%s: listed when asked for: %t", v.Visibility, got)
		}
		if got := w.lists(t, other(t), i.ID, image.Query{Visibility: image.AnyVisibility}); got != v.show {
			t.Errorf("%s: listed among all: %t", v.Visibility, got)
		}
		if !w.lists(t, member(t), i.ID, image.Query{}) {
			t.Errorf("%s: not listed for its owner", v.Visibility)
		}
	}
	w.content(t, other(t), i.ID, image.Range{})
	_, err := w.UpdateImage(other(t), image.Patch{ID: i.ID, Name: ptr("n")})
	is(t, "others change a public image", err, fault.Forbidden)
	is(t, "others delete a public image", w.DeleteImage(other(t), i.ID), fault.Forbidden)
}

func members(t *testing.T, w World) {
	i := w.active(t, image.CreateSpec{}, "x")
	id := image.MemberID{ImageID: i.ID, ProjectID: "p2"}
	m, err := w.AddMember(member(t), id)
	must(t, err)
	if m.Status != image.Pending || m.ProjectID != "p2" || m.ImageID != i.ID {
		t.Errorf("%+v", m)
	}
	_, err = w.AddMember(member(t), id)
	is(t, "offer again", err, fault.Conflict)
	_, err = w.AddMember(member(t), image.MemberID{ImageID: i.ID, ProjectID: "p3"})
	must(t, err)
	_, err = w.Image(other(t), i.ID)
	must(t, err)
	if w.lists(t, other(t), i.ID, image.Query{}) {
		t.Error("an offer is listed before it is accepted")
	}
	if !w.lists(t, other(t), i.ID, image.Query{Visibility: image.Shared, MemberStatus: image.Pending}) {
		t.Error("a pending offer is not listed when asked for")
	}
	_, err = w.UpdateMember(member(t), image.MemberSpec{MemberID: id, Status: image.Accepted})
	is(t, "the owner accepts", err, fault.Forbidden)
	_, err = w.UpdateMember(other(t), image.MemberSpec{MemberID: id, Status: "maybe"})
	is(t, "another status", err, fault.Invalid)
	m, err = w.UpdateMember(other(t), image.MemberSpec{MemberID: id, Status: image.Accepted})
	must(t, err)
	if m.Status != image.Accepted || !w.lists(t, other(t), i.ID, image.Query{}) {
		t.Errorf("accepted: %+v", m)
	}
	w.content(t, other(t), i.ID, image.Range{})
	mine, err := w.Members(other(t), i.ID)
	must(t, err)
	all, err := w.Members(member(t), i.ID)
	must(t, err)
	if len(mine) != 1 || len(all) != 2 {
		t.Errorf("a member sees %d members, the owner %d", len(mine), len(all))
	}
	_, err = w.Member(other(t), image.MemberID{ImageID: i.ID, ProjectID: "p3"})
	is(t, "another's offer", err, fault.NotFound)
	is(t, "a member leaves by force", w.RemoveMember(other(t), id), fault.Forbidden)
	must(t, w.RemoveMember(member(t), id))
	is(t, "remove again", w.RemoveMember(member(t), id), fault.NotFound)
	_, err = w.Image(other(t), i.ID)
	is(t, "after removal", err, fault.NotFound)
	must(t, w.DeleteImage(member(t), i.ID))
	private := w.queued(t, image.CreateSpec{Visibility: image.Private})
	_, err = w.AddMember(member(t), image.MemberID{ImageID: private.ID, ProjectID: "p2"})
	is(t, "member of a private image", err, fault.Forbidden)
}

func deactivation(t *testing.T, w World) {
	i := w.active(t, image.CreateSpec{}, "x")
	for range 2 {
		must(t, w.SetActive(member(t), image.ActiveSpec{ID: i.ID}))
	}
	_, _, err := w.Content.Open(member(t), i.ID, image.Range{})
	is(t, "read", err, fault.Forbidden)
	w.content(t, admin(t), i.ID, image.Range{})
	must(t, w.SetActive(member(t), image.ActiveSpec{ID: i.ID, Active: true}))
	w.content(t, member(t), i.ID, image.Range{})
	is(t, "deactivate a queued image", w.SetActive(member(t), image.ActiveSpec{ID: w.queued(t, image.CreateSpec{}).ID}), image.ErrState)
}

func protection(t *testing.T, w World) {
	i := w.queued(t, image.CreateSpec{Protected: true})
	is(t, "delete", w.DeleteImage(admin(t), i.ID), fault.Forbidden)
	_, err := w.UpdateImage(member(t), image.Patch{ID: i.ID, Protected: ptr(false)})
	must(t, err)
	must(t, w.DeleteImage(member(t), i.ID))
}
