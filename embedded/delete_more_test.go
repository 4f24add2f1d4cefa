package embedded_test

import (
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/embedded"
)

// TestAnImageIsDeletedInEveryState with its bytes.
func TestAnImageIsDeletedInEveryState(t *testing.T) {
	w := newWorld(t)
	for name, tt := range map[string]struct {
		bring func(t *testing.T, image string)
		want  int
	}{
		"queued": {func(*testing.T, string) {}, 204},
		"active": {func(t *testing.T, image string) {
			w.alice.do("PUT", image+"/file", string(random(4096)), octets...).want(t, 204)
		}, 204},
		"deactivated": {func(t *testing.T, image string) {
			w.alice.do("PUT", image+"/file", string(random(4096)), octets...).want(t, 204)
			w.alice.do("POST", image+"/actions/deactivate", "").want(t, 204)
		}, 204},
		"shared": {func(t *testing.T, image string) {
			w.alice.do("POST", image+"/members", `{"member":"`+w.bob.project+`"}`).want(t, 200)
		}, 204},
		"protected": {func(t *testing.T, image string) {
			w.alice.do("PUT", image+"/file", string(random(4096)), octets...).want(t, 204)
			w.alice.do("PATCH", image, `[{"op":"replace","path":"/protected","value":true}]`, jsonPatch...).want(t, 200)
		}, 403},
		"of a server": {func(t *testing.T, image string) {
			w.alice.do("PUT", image+"/file", string(random(4096)), octets...).want(t, 204)
			s := serversPath + "/" + w.alice.make(serversPath, `{"server":{"name":"s","flavorRef":"1","imageRef":"`+last(image)+`","networks":"none"}}`, "server.id", microversion...)
			w.alice.becomes(t, s, "server.status", "ACTIVE")
		}, 204},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.holds(t)
			image := "/image/v2/images/" + w.alice.newImage(t, "raw")
			tt.bring(t, image)
			if r := w.alice.do("DELETE", image, "").want(t, tt.want); tt.want >= 400 {
				r.refusal(t)
				w.alice.do("PATCH", image, `[{"op":"replace","path":"/protected","value":false}]`, jsonPatch...).want(t, 200)
				w.alice.do("DELETE", image, "").want(t, 204)
			}
			w.alice.do("GET", image, "").want(t, 404)
			w.clear(t)
			w.unchanged(t, before)
		})
	}
}

// TestWhatIsInUseStays, and says so.
func TestWhatIsInUseStays(t *testing.T) {
	w := newWorld(t)
	o := w.alice.things(t)
	floating := `{"floatingip":{"floating_network_id":"` + public + `","port_id":"{port}"}}`
	o["plugged"] = w.alice.make("/network/v2.0/floatingips", o.fill(floating), "floatingip.id")
	inside := text(w.alice.do("GET", o.fill("/network/v2.0/ports?device_id={router}&device_owner=network:router_interface"), "").at("ports.0.id"))
	o["inside"], o["alice"] = inside, w.alice.project
	o["default"] = text(w.alice.do("GET", "/network/v2.0/security-groups?name=default", "").at("security_groups.0.id"))
	w.alice.do("PUT", o.fill("/network/v2.0/ports/{port}"), o.fill(`{"port":{"security_groups":["{group}"]}}`)).want(t, 200)
	before := w.holds(t)
	for _, tt := range []struct {
		name, path string
		want       int
		kind       string
	}{
		{"network with ports", "/network/v2.0/networks/{network}", 409, "NetworkInUse"},
		{"subnet with ports", "/network/v2.0/subnets/{subnet}", 409, "SubnetInUse"},
		{"router with an interface", "/network/v2.0/routers/{router}", 409, "RouterInUse"},
		{"port of a router", "/network/v2.0/ports/{inside}", 409, ""},
		{"group of a port", "/network/v2.0/security-groups/{group}", 409, "SecurityGroupInUse"},
		{"default group", "/network/v2.0/security-groups/{default}", 409, ""},
		{"external network with ports", "/network/v2.0/networks/" + public, 409, "NetworkInUse"},
		{"container with an object", "/object-store/v1/AUTH_{alice}/c", 409, ""},
		{"domain of every cloud", "/identity/v3/domains/default", 403, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := w.alice
			if strings.Contains(tt.path, public) || strings.HasPrefix(tt.path, "/identity") {
				u = w.admin
			}
			r := u.do("DELETE", o.fill(tt.path), "").want(t, tt.want)
			r.refusal(t)
			if kind := text(r.at("NeutronError.type")); tt.kind != "" && kind != tt.kind {
				t.Errorf("its type is %q", kind)
			}
		})
	}
	w.unchanged(t, before)
}

// TestEverythingIsDeletedInItsOrder: then nothing is left.
func TestEverythingIsDeletedInItsOrder(t *testing.T) {
	w := newWorld(t)
	before := w.holds(t)
	o := w.alice.things(t)
	for _, path := range []string{
		serversPath + "/{server}", "/network/v2.0/floatingips/{floatingip}", "/network/v2.0/ports/{port}", "/network/v2.0/security-groups/{group}",
		"/image/v2/images/{image}", "/volume/v3/{me}/snapshots/{snapshot}", volumesPath + "/{volume}", "/compute/v2.1/os-keypairs/{keypair}",
		"/object-store/v1/AUTH_{me}/c/o", "/object-store/v1/AUTH_{me}/c",
	} {
		w.alice.do("DELETE", o.fill(path), "").want(t, 202, 204)
		w.alice.gone(t, o.fill(path))
	}
	w.alice.do("PUT", o.fill("/network/v2.0/routers/{router}/remove_router_interface"), o.fill(`{"subnet_id":"{subnet}"}`)).want(t, 200)
	for _, path := range []string{"/network/v2.0/routers/{router}", "/network/v2.0/subnets/{subnet}", "/network/v2.0/networks/{network}"} {
		w.alice.do("DELETE", o.fill(path), "").want(t, 204)
		w.alice.do("DELETE", o.fill(path), "").want(t, 404).refusal(t)
	}
	w.unchanged(t, before)
}

// TestAPortGoesFromUnderAServer, and its address with it.
func TestAPortGoesFromUnderAServer(t *testing.T) {
	w := newWorld(t)
	o := w.alice.things(t)
	port := text(w.alice.do("GET", o.fill("/network/v2.0/ports?device_id={server}"), "").at("ports.0.id"))
	w.alice.do("DELETE", "/network/v2.0/ports/"+port, "").want(t, 204)
	w.alice.do("GET", o.fill(serversPath+"/{server}"), "").want(t, 200)
	w.alice.do("DELETE", o.fill(serversPath+"/{server}"), "").want(t, 204)
	w.alice.gone(t, o.fill(serversPath+"/{server}"))
}

// TestAFlavorAndAKeypairGoFromUnderAServer, which keeps what it was made of.
func TestAFlavorAndAKeypairGoFromUnderAServer(t *testing.T) {
	w := newWorld(t)
	o := w.alice.things(t)
	w.admin.do("DELETE", "/compute/v2.1/flavors/"+embedded.Flavor, "").want(t, 202)
	w.alice.do("DELETE", o.fill("/compute/v2.1/os-keypairs/{keypair}"), "").want(t, 202)
	r := w.alice.do("GET", o.fill(serversPath+"/{server}"), "", microversion...).want(t, 200)
	if r.at("server.flavor.vcpus") != float64(1) || r.at("server.status") != "ACTIVE" {
		t.Errorf("the server is %s", r.body)
	}
	w.alice.does(t, o.fill(serversPath+"/{server}"), "os-stop", "SHUTOFF")
	w.alice.does(t, o.fill(serversPath+"/{server}"), "os-start", "ACTIVE")
}

// TestASnapshotIsDeletedInEveryState.
func TestASnapshotIsDeletedInEveryState(t *testing.T) {
	w := newWorld(t)
	v := w.alice.newVolume(t)
	for _, state := range []string{"creating", "available", "deleting"} {
		t.Run(state, func(t *testing.T) {
			t.Cleanup(w.backends.open)
			before := w.holds(t)
			met := w.backends.hold(map[string]string{"creating": "CreateSnapshot", "deleting": "DeleteSnapshot"}[state])
			s := "/volume/v3/{me}/snapshots/" + w.alice.make("/volume/v3/{me}/snapshots", `{"snapshot":{"volume_id":"`+last(v)+`"}}`, "snapshot.id")
			switch state {
			case "creating":
				<-met
			case "deleting":
				w.alice.becomes(t, s, "snapshot.status", "available")
				w.alice.do("DELETE", s, "").want(t, 202)
				<-met
			default:
				w.alice.becomes(t, s, "snapshot.status", "available")
			}
			w.alice.do("DELETE", s, "").want(t, 202)
			w.backends.open()
			w.alice.gone(t, s)
			w.unchanged(t, before)
		})
	}
}

// TestAProjectIsDeletedWithoutItsThings: they stay for the administrator.
func TestAProjectIsDeletedWithoutItsThings(t *testing.T) {
	w := newWorld(t)
	o := w.alice.things(t)
	w.admin.do("DELETE", "/identity/v3/projects/"+w.alice.project, "").want(t, 204)
	w.alice.do("GET", serversPath, "").want(t, 401)
	w.admin.do("GET", o.fill(serversPath+"/{server}"), "").want(t, 200)
	w.admin.do("DELETE", o.fill(serversPath+"/{server}"), "").want(t, 204)
	w.admin.gone(t, o.fill(serversPath+"/{server}"))
	w.admin.do("DELETE", o.fill("/image/v2/images/{image}"), "").want(t, 204)
}
