package metering

import (
	"context"
	"errors"
	"time"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// spanStarted records that a server has what s says since s.StartedAt. If it
// had something else before, that ends; if it had the same, nothing changes.
func spanStarted(ctx context.Context, tx *db.Tx, s Span) error {
	open, err := openSpan(ctx, tx, s.ServerID)
	switch {
	case errors.Is(err, fault.NotFound):
		return insertSpan(ctx, tx, s)
	case err != nil:
		return err
	case open.FlavorName == s.FlavorName && open.VCPUs == s.VCPUs && open.MemoryMiB == s.MemoryMiB && open.DiskGiB == s.DiskGiB:
		return nil
	case s.StartedAt.Before(open.StartedAt):
		return nil // an event from before what is known already
	}
	if err := closeSpan(ctx, tx, s.ServerID, s.StartedAt); err != nil {
		return err
	}
	return insertSpan(ctx, tx, s)
}

// spanStopped records that a server is gone since at. One without a span is no error.
func spanStopped(ctx context.Context, tx *db.Tx, server string, at time.Time) error {
	return closeSpan(ctx, tx, server, at)
}
