// Package imagerpc lets one process use the images of another. Descriptions
// cross the bus; bytes do not: Content asks over the bus for a ticket, and moves
// them over HTTP.
package imagerpc

import (
	"context"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/page"
)

const (
	createImage  = bus.Method[image.CreateSpec, image.Image]("image.create")
	showImage    = bus.Method[image.ID, image.Image]("image.show")
	listImages   = bus.Method[image.Query, page.Of[image.Image]]("image.list")
	updateImage  = bus.Method[image.Patch, image.Image]("image.update")
	deleteImage  = bus.Method[image.ID, bus.None]("image.delete")
	setActive    = bus.Method[image.ActiveSpec, bus.None]("image.activate")
	listStores   = bus.Method[bus.None, []string]("image.store.list")
	addMember    = bus.Method[image.MemberID, image.Member]("image.member.add")
	showMember   = bus.Method[image.MemberID, image.Member]("image.member.show")
	listMembers  = bus.Method[image.ID, []image.Member]("image.member.list")
	updateMember = bus.Method[image.MemberSpec, image.Member]("image.member.update")
	removeMember = bus.Method[image.MemberID, bus.None]("image.member.remove")
	showQuota    = bus.Method[string, image.Quota]("image.quota.show")
	setQuota     = bus.Method[image.QuotaPatch, image.Quota]("image.quota.set")
	giveTicket   = bus.Method[image.TicketSpec, image.Ticket]("image.ticket")
)

// Serve offers s to every process on the bus.
func Serve(b *bus.Bus, s image.Service) {
	createImage.Serve(b, s.CreateImage)
	showImage.Serve(b, s.Image)
	listImages.Serve(b, s.Images)
	updateImage.Serve(b, s.UpdateImage)
	deleteImage.Serve(b, bus.NoResult(s.DeleteImage))
	setActive.Serve(b, bus.NoResult(s.SetActive))
	listStores.Serve(b, func(ctx context.Context, _ bus.None) ([]string, error) { return s.Stores(ctx) })
	addMember.Serve(b, s.AddMember)
	showMember.Serve(b, s.Member)
	listMembers.Serve(b, s.Members)
	updateMember.Serve(b, s.UpdateMember)
	removeMember.Serve(b, bus.NoResult(s.RemoveMember))
	showQuota.Serve(b, s.Quota)
	setQuota.Serve(b, s.SetQuota)
}

// ServeTickets lets every process on the bus reach the bytes that this one serves.
func ServeTickets(b *bus.Bus, m *image.Manager) { giveTicket.Serve(b, m.Ticket) }

// Client is the image.Service of another process.
type Client struct{ Bus *bus.Bus }

// CreateImage implements image.Service.
func (c Client) CreateImage(ctx context.Context, s image.CreateSpec) (image.Image, error) {
	return createImage.Call(ctx, c.Bus, s)
}

// Image implements image.Service.
func (c Client) Image(ctx context.Context, id image.ID) (image.Image, error) {
	return showImage.Call(ctx, c.Bus, id)
}

// Images implements image.Service.
func (c Client) Images(ctx context.Context, q image.Query) (page.Of[image.Image], error) {
	return listImages.Call(ctx, c.Bus, q)
}

// UpdateImage implements image.Service.
func (c Client) UpdateImage(ctx context.Context, p image.Patch) (image.Image, error) {
	return updateImage.Call(ctx, c.Bus, p)
}

// DeleteImage implements image.Service.
func (c Client) DeleteImage(ctx context.Context, id image.ID) error {
	_, err := deleteImage.Call(ctx, c.Bus, id)
	return err
}

// SetActive implements image.Service.
func (c Client) SetActive(ctx context.Context, s image.ActiveSpec) error {
	_, err := setActive.Call(ctx, c.Bus, s)
	return err
}

// Stores implements image.Service.
func (c Client) Stores(ctx context.Context) ([]string, error) {
	return listStores.Call(ctx, c.Bus, bus.None{})
}

// AddMember implements image.Service.
func (c Client) AddMember(ctx context.Context, m image.MemberID) (image.Member, error) {
	return addMember.Call(ctx, c.Bus, m)
}

// Member implements image.Service.
func (c Client) Member(ctx context.Context, m image.MemberID) (image.Member, error) {
	return showMember.Call(ctx, c.Bus, m)
}

// Members implements image.Service.
func (c Client) Members(ctx context.Context, id image.ID) ([]image.Member, error) {
	return listMembers.Call(ctx, c.Bus, id)
}

// UpdateMember implements image.Service.
func (c Client) UpdateMember(ctx context.Context, s image.MemberSpec) (image.Member, error) {
	return updateMember.Call(ctx, c.Bus, s)
}

// RemoveMember implements image.Service.
func (c Client) RemoveMember(ctx context.Context, m image.MemberID) error {
	_, err := removeMember.Call(ctx, c.Bus, m)
	return err
}

// Quota implements image.Service.
func (c Client) Quota(ctx context.Context, project string) (image.Quota, error) {
	return showQuota.Call(ctx, c.Bus, project)
}

// SetQuota implements image.Service.
func (c Client) SetQuota(ctx context.Context, p image.QuotaPatch) (image.Quota, error) {
	return setQuota.Call(ctx, c.Bus, p)
}

var _ image.Service = Client{}
