package libvirt

import (
	"os"
	"regexp"

	"github.com/nacre-cloud/nacre/compute"
)

var hardwareVirtualisation = regexp.MustCompile(`(?m)^flags\s*:.*\b(vmx|svm)\b`)

// detect looks at the processor and at the device: one without the other is common
// inside virtual machines and containers.
func detect() Accelerator {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil || !hardwareVirtualisation.Match(info) {
		return TCG
	}
	kvm, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return TCG
	}
	_ = kvm.Close()
	return KVM
}

func (a Accelerator) trait() string {
	if a == KVM {
		return compute.TraitKVM
	}
	return compute.TraitTCG
}

// domainType is what libvirt calls it.
func (a Accelerator) domainType() string {
	if a == KVM {
		return "kvm"
	}
	return "qemu"
}
