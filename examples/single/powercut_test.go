//go:build libvirt

package main

import (
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/nacre-cloud/nacre/compute/libvirt/libvirttest"
)

// TestAPowerCut takes from the machine what it loses with its power: processes,
// guests, links, namespaces, rules. What ran runs again, with its disk and its
// addresses, and what was off stays off.
func TestAPowerCut(t *testing.T) {
	u := newUser(t)
	wire, _ := u.wire()
	image := u.upload(libvirttest.Guest(t))
	boot := func(name string) string {
		s, err := servers.Create(t.Context(), u.compute, servers.CreateOpts{
			Name: name, FlavorRef: "1", ImageRef: image, Networks: []servers.Network{{UUID: wire}}, SecurityGroups: []string{"ping"},
		}, nil).Extract()
		must(t, err)
		u.becomes(s.ID, "ACTIVE")
		u.hears(s.ID, "ready after")
		return s.ID
	}
	off := boot("off")
	must(t, servers.Stop(t.Context(), u.compute, off).ExtractErr())
	u.becomes(off, "SHUTOFF")
	web := boot("web")
	u.attach(web)
	u.hears(web, "disk vdb added, 1024 MiB")
	_, address := u.float(web)

	u.config.listen = strings.TrimPrefix(u.cloud.URL(), "http://")
	u.hypervisor.PowerCut(t, u.down)
	u.logIn()
	u.hearsTimes(web, "disk vdb added, 1024 MiB", 2)
	u.hearsTimes(web, "ready after", 2)
	u.becomes(web, "ACTIVE")
	u.answers(address)
	u.becomes(off, "SHUTOFF")
	must(t, servers.Start(t.Context(), u.compute, off).ExtractErr())
	u.hearsTimes(off, "ready after", 2)
	for _, id := range []string{web, off} {
		must(t, servers.Delete(t.Context(), u.compute, id).ExtractErr())
	}
}
