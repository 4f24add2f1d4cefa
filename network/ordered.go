package network

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Ordered returns d as several processes may give it Views: one that is older than another that it
// was given is ErrStale and changes nothing. AddHost puts every driver in such order.
func Ordered(d Driver) Driver { return &ordered{Driver: d, turn: make(chan struct{}, 1)} }

type ordered struct {
	Driver
	turn   chan struct{} // holds one while a View is applied
	newest int64         // generation; whoever has the turn may touch it
}

// Apply implements Driver.
func (o *ordered) Apply(ctx context.Context, view View) error {
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return fault.Unavailable.Errorf("the host is still at work on another view: %w", ctx.Err())
	}
	if view.Generation < o.newest {
		return ErrStale.Errorf("view %d is older than view %d, which the host was given", view.Generation, o.newest)
	}
	o.newest = view.Generation
	return o.Driver.Apply(ctx, view)
}

var _ Driver = (*ordered)(nil)
