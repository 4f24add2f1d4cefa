package db

import (
	"time"

	"github.com/google/uuid"
)

// NewID returns a UUIDv7: unique, and in the order of creation.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Now returns the present as both databases keep it: UTC, to the microsecond.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
