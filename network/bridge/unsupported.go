//go:build !linux

package bridge

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

// Driver needs Linux.
type Driver struct{}

// Open answers fault.Unsupported: bridges, taps and nftables are Linux.
func Open(Config) (*Driver, error) { return nil, unsupported() }

// Check answers fault.Unsupported.
func Check(context.Context) error { return unsupported() }

// Apply answers fault.Unsupported.
func (*Driver) Apply(context.Context, network.View) error { return unsupported() }

// List answers fault.Unsupported.
func (*Driver) List(context.Context) (network.Carried, error) {
	return network.Carried{}, unsupported()
}

// Close does nothing.
func (*Driver) Close() error { return nil }

func unsupported() error {
	return fault.Unsupported.Errorf("bridge networks need Linux; use the memory driver here")
}

var _ network.Driver = (*Driver)(nil)
