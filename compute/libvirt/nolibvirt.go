//go:build !libvirt

package libvirt

import (
	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// New answers fault.Unsupported: this program was built without libvirt.
func New(Config) (compute.Driver, error) {
	return nil, fault.Unsupported.Errorf("built without libvirt: rebuild with -tags libvirt (needs libvirt-dev)")
}
