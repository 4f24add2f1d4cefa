// Package objectrpc carries object.Service over the bus: Serve offers the one of
// this process, Client is the one of another. Bytes do not cross: object.Content
// exists only where the driver is.
package objectrpc

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/object"
)

const (
	account         = bus.Method[string, object.Account]("object.account")
	updateAccount   = bus.Method[object.AccountPatch, bus.None]("object.account.update")
	createContainer = bus.Method[object.ContainerPatch, bool]("object.container.create")
	container       = bus.Method[object.ContainerID, object.Container]("object.container")
	containers      = bus.Method[object.Query, object.Listing[object.Container]]("object.containers")
	updateContainer = bus.Method[object.ContainerPatch, bus.None]("object.container.update")
	deleteContainer = bus.Method[object.ContainerID, bus.None]("object.container.delete")
	show            = bus.Method[object.ObjectID, object.Object]("object.object")
	objects         = bus.Method[object.Query, object.Listing[object.Object]]("object.objects")
	updateObject    = bus.Method[object.ObjectPatch, bus.None]("object.object.update")
	copyObject      = bus.Method[object.CopySpec, object.Object]("object.object.copy")
	deleteObject    = bus.Method[object.DeleteSpec, bus.None]("object.object.delete")
)

// Serve offers s to every process on the bus.
func Serve(b *bus.Bus, s object.Service) {
	account.Serve(b, s.Account)
	updateAccount.Serve(b, bus.NoResult(s.UpdateAccount))
	createContainer.Serve(b, s.CreateContainer)
	container.Serve(b, s.Container)
	containers.Serve(b, s.Containers)
	updateContainer.Serve(b, bus.NoResult(s.UpdateContainer))
	deleteContainer.Serve(b, bus.NoResult(s.DeleteContainer))
	show.Serve(b, s.Object)
	objects.Serve(b, s.Objects)
	updateObject.Serve(b, bus.NoResult(s.UpdateObject))
	copyObject.Serve(b, s.CopyObject)
	deleteObject.Serve(b, bus.NoResult(s.DeleteObject))
}

// Client is the object.Service that another process serves.
type Client struct {
	bus *bus.Bus
}

// New returns the Service served somewhere on b.
func New(b *bus.Bus) *Client { return &Client{b} }

// Account implements object.Service.
func (c *Client) Account(ctx context.Context, project string) (object.Account, error) {
	return account.Call(ctx, c.bus, project)
}

// UpdateAccount implements object.Service.
func (c *Client) UpdateAccount(ctx context.Context, p object.AccountPatch) error {
	_, err := updateAccount.Call(ctx, c.bus, p)
	return err
}

// CreateContainer implements object.Service.
func (c *Client) CreateContainer(ctx context.Context, p object.ContainerPatch) (bool, error) {
	return createContainer.Call(ctx, c.bus, p)
}

// Container implements object.Service.
func (c *Client) Container(ctx context.Context, id object.ContainerID) (object.Container, error) {
	return container.Call(ctx, c.bus, id)
}

// Containers implements object.Service.
func (c *Client) Containers(ctx context.Context, q object.Query) (object.Listing[object.Container], error) {
	return inPieces(ctx, c.bus, containers, q)
}

// UpdateContainer implements object.Service.
func (c *Client) UpdateContainer(ctx context.Context, p object.ContainerPatch) error {
	_, err := updateContainer.Call(ctx, c.bus, p)
	return err
}

// DeleteContainer implements object.Service.
func (c *Client) DeleteContainer(ctx context.Context, id object.ContainerID) error {
	_, err := deleteContainer.Call(ctx, c.bus, id)
	return err
}

// Object implements object.Service.
func (c *Client) Object(ctx context.Context, id object.ObjectID) (object.Object, error) {
	return show.Call(ctx, c.bus, id)
}

// Objects implements object.Service.
func (c *Client) Objects(ctx context.Context, q object.Query) (object.Listing[object.Object], error) {
	return inPieces(ctx, c.bus, objects, q)
}

// UpdateObject implements object.Service.
func (c *Client) UpdateObject(ctx context.Context, p object.ObjectPatch) error {
	_, err := updateObject.Call(ctx, c.bus, p)
	return err
}

// CopyObject implements object.Service.
func (c *Client) CopyObject(ctx context.Context, s object.CopySpec) (object.Object, error) {
	return copyObject.Call(ctx, c.bus, s)
}

// DeleteObject implements object.Service.
func (c *Client) DeleteObject(ctx context.Context, d object.DeleteSpec) error {
	_, err := deleteObject.Call(ctx, c.bus, d)
	return err
}

// piece is how many entries one message carries: each may have metadata and a
// name of several kilobytes.
const piece = 100

type listMethod[T any] = bus.Method[object.Query, object.Listing[T]]

// inPieces lists in messages that are not too large.
func inPieces[T any](ctx context.Context, b *bus.Bus, m listMethod[T], q object.Query) (object.Listing[T], error) {
	limit := q.Limit
	if limit == 0 || limit > object.MaxListing {
		limit = object.MaxListing
	}
	var out object.Listing[T]
	for {
		q.Limit = min(limit-len(out.Entries), piece)
		if q.Limit <= 0 {
			q.Limit = -1
		}
		l, err := m.Call(ctx, b, q)
		if err != nil {
			return object.Listing[T]{}, err
		}
		out.Entries = append(out.Entries, l.Entries...)
		if len(l.Entries) < piece || len(out.Entries) >= limit {
			return out, nil
		}
		q.Marker = l.Entries[len(l.Entries)-1].Name
	}
}

var _ object.Service = (*Client)(nil)
