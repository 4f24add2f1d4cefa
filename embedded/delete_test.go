package embedded_test

import (
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/kit/fault"
)

const (
	serversPath = "/compute/v2.1/servers"
	volumesPath = "/volume/v3/{me}/volumes"
)

// newServer makes a server and waits until it is active.
func (u *user) newServer(t *testing.T) string {
	t.Helper()
	path := u.startServer()
	u.becomes(t, path, "server.status", "ACTIVE")
	return path
}

func (u *user) startServer() string {
	u.w.t.Helper()
	return serversPath + "/" + u.make(serversPath, `{"server":{`+onlyBoot+`}}`, "server.id")
}

// newVolume makes a volume and waits until it is available.
func (u *user) newVolume(t *testing.T) string {
	t.Helper()
	path := u.startVolume()
	u.becomes(t, path, "volume.status", "available")
	return path
}

func (u *user) startVolume() string {
	u.w.t.Helper()
	return volumesPath + "/" + u.make(volumesPath, `{"volume":{"size":1}}`, "volume.id")
}

// does orders a server about until it is as wanted.
func (u *user) does(t *testing.T, server, action, becomes string) {
	t.Helper()
	u.do("POST", server+"/action", `{"`+action+`":null}`).want(t, 202)
	if becomes != "" {
		u.becomes(t, server, "server.status", becomes)
	}
}

func (u *user) attach(t *testing.T, server, volume string) {
	t.Helper()
	u.do("POST", server+"/os-volume_attachments", `{"volumeAttachment":{"volumeId":"`+last(volume)+`"}}`).want(t, 200)
}

func last(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// TestAServerIsDeletedInEveryState and gives everything back.
func TestAServerIsDeletedInEveryState(t *testing.T) {
	w := newWorld(t)
	n := w.alice.make("/network/v2.0/networks", `{"network":{"name":"n"}}`, "network.id")
	w.alice.make("/network/v2.0/subnets", `{"subnet":{"network_id":"`+n+`","ip_version":4,"cidr":"10.5.0.0/24","enable_dhcp":false}}`, "subnet.id")
	for name, bring := range map[string]func(t *testing.T, w *world) string{
		"building": func(_ *testing.T, w *world) string {
			met := w.hosts.hold("Spawn")
			s := w.alice.startServer()
			<-met
			return s
		},
		"just asked for": func(_ *testing.T, w *world) string { return w.alice.startServer() },
		"active":         func(t *testing.T, w *world) string { return w.alice.newServer(t) },
		"failed": func(t *testing.T, w *world) string {
			w.hosts.fail("Spawn", fault.Internal.Errorf("the host is on fire"))
			s := w.alice.startServer()
			w.alice.becomes(t, s, "server.status", "ERROR")
			return s
		},
		"stopped": func(t *testing.T, w *world) string {
			s := w.alice.newServer(t)
			w.alice.does(t, s, "os-stop", "SHUTOFF")
			return s
		},
		"paused": func(t *testing.T, w *world) string {
			s := w.alice.newServer(t)
			w.alice.does(t, s, "pause", "PAUSED")
			return s
		},
		"suspended": func(t *testing.T, w *world) string {
			s := w.alice.newServer(t)
			w.alice.does(t, s, "suspend", "SUSPENDED")
			return s
		},
		"stopping": func(t *testing.T, w *world) string {
			s := w.alice.newServer(t)
			met := w.hosts.hold("SetPower")
			w.alice.does(t, s, "os-stop", "")
			<-met
			return s
		},
		"with a volume": func(t *testing.T, w *world) string {
			s := w.alice.newServer(t)
			v := w.alice.newVolume(t)
			w.alice.attach(t, s, v)
			w.alice.becomes(t, v, "volume.status", "in-use")
			return s
		},
		"suspended with a volume": func(t *testing.T, w *world) string {
			s := w.alice.newServer(t)
			v := w.alice.newVolume(t)
			w.alice.attach(t, s, v)
			w.alice.becomes(t, v, "volume.status", "in-use")
			w.alice.does(t, s, "suspend", "SUSPENDED")
			return s
		},
		"while a volume is attached": func(t *testing.T, w *world) string {
			s, v := w.alice.newServer(t), w.alice.newVolume(t)
			met := w.hosts.hold("AttachDisk")
			w.alice.attach(t, s, v)
			<-met
			return s
		},
		"while a volume is detached": func(t *testing.T, w *world) string {
			s, v := w.alice.newServer(t), w.alice.newVolume(t)
			w.alice.attach(t, s, v)
			w.alice.becomes(t, v, "volume.status", "in-use")
			met := w.hosts.hold("DetachDisk")
			w.alice.do("DELETE", s+"/os-volume_attachments/"+last(v), "").want(t, 202)
			<-met
			return s
		},
		"while it is deleted": func(t *testing.T, w *world) string {
			s := w.alice.newServer(t)
			met := w.hosts.hold("Destroy")
			w.alice.do("DELETE", s, "").want(t, 204)
			<-met
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(w.hosts.open)
			before := w.holds(t)
			server := bring(t, w)
			w.alice.do("DELETE", server, "").want(t, 204)
			w.alice.do("DELETE", server, "").want(t, 204, 404) // whoever asks twice means it
			w.hosts.open()
			w.alice.gone(t, server)
			w.deleteVolumes(t)
			w.unchanged(t, before)
		})
	}
}

// deleteVolumes deletes those that outlive their servers, once they are free.
func (w *world) deleteVolumes(t *testing.T) {
	t.Helper()
	list, _ := w.alice.do("GET", volumesPath, "").at("volumes").([]any)
	for _, v := range list {
		path := volumesPath + "/" + text(v.(map[string]any)["id"])
		w.alice.becomes(t, path, "volume.status", "available")
		w.alice.do("DELETE", path, "").want(t, 202)
		w.alice.gone(t, path)
	}
}

// TestALockedServerIsKept from all but administrators.
func TestALockedServerIsKept(t *testing.T) {
	w := newWorld(t)
	before := w.holds(t)
	s := w.alice.newServer(t)
	w.alice.does(t, s, "lock", "")
	w.alice.do("DELETE", s, "").want(t, 409).refusal(t)
	w.alice.becomes(t, s, "server.status", "ACTIVE")
	w.admin.do("DELETE", s, "").want(t, 204)
	w.alice.gone(t, s)
	w.unchanged(t, before)
}

// TestAVolumeIsDeletedInEveryState, or refused while something needs it.
func TestAVolumeIsDeletedInEveryState(t *testing.T) {
	w := newWorld(t)
	for name, tt := range map[string]struct {
		bring func(t *testing.T, w *world) string
		want  int
	}{
		"creating": {func(_ *testing.T, w *world) string {
			met := w.backends.hold("Create")
			v := w.alice.startVolume()
			<-met
			return v
		}, 202},
		"just asked for": {func(_ *testing.T, w *world) string { return w.alice.startVolume() }, 202},
		"available":      {func(t *testing.T, w *world) string { return w.alice.newVolume(t) }, 202},
		"failed": {func(t *testing.T, w *world) string {
			w.backends.fail("Create", fault.Exhausted.Errorf("the backend is full"))
			v := w.alice.startVolume()
			w.alice.becomes(t, v, "volume.status", "error")
			return v
		}, 202},
		"in use": {func(t *testing.T, w *world) string {
			s, v := w.alice.newServer(t), w.alice.newVolume(t)
			w.alice.attach(t, s, v)
			w.alice.becomes(t, v, "volume.status", "in-use")
			return v
		}, 400},
		"while it is attached": {func(t *testing.T, w *world) string {
			s, v := w.alice.newServer(t), w.alice.newVolume(t)
			met := w.hosts.hold("AttachDisk")
			w.alice.attach(t, s, v)
			<-met
			return v
		}, 400},
		"with a snapshot": {func(t *testing.T, w *world) string {
			v := w.alice.newVolume(t)
			w.alice.make("/volume/v3/{me}/snapshots", `{"snapshot":{"volume_id":"`+last(v)+`"}}`, "snapshot.id")
			return v
		}, 400},
		"while a snapshot is made": {func(t *testing.T, w *world) string {
			v := w.alice.newVolume(t)
			met := w.backends.hold("CreateSnapshot")
			w.alice.make("/volume/v3/{me}/snapshots", `{"snapshot":{"volume_id":"`+last(v)+`"}}`, "snapshot.id")
			<-met
			return v
		}, 400},
		"extending": {func(t *testing.T, w *world) string {
			v := w.alice.newVolume(t)
			met := w.backends.hold("Resize")
			w.alice.do("POST", v+"/action", `{"os-extend":{"new_size":2}}`).want(t, 202)
			<-met
			return v
		}, 202},
		"while it is deleted": {func(t *testing.T, w *world) string {
			v := w.alice.newVolume(t)
			met := w.backends.hold("Delete")
			w.alice.do("DELETE", v, "").want(t, 202)
			<-met
			return v
		}, 202},
	} {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(w.hosts.open)
			t.Cleanup(w.backends.open)
			before := w.holds(t)
			v := tt.bring(t, w)
			r := w.alice.do("DELETE", v, "").want(t, tt.want)
			if tt.want >= 400 {
				r.refusal(t)
			}
			w.hosts.open()
			w.backends.open()
			if tt.want < 400 {
				w.alice.gone(t, v)
			}
			w.clear(t)
			w.unchanged(t, before)
		})
	}
}

// clear deletes what a test about volumes made, in the order in which it may go.
func (w *world) clear(t *testing.T) {
	t.Helper()
	list, _ := w.alice.do("GET", serversPath, "").at("servers").([]any)
	for _, s := range list {
		path := serversPath + "/" + text(s.(map[string]any)["id"])
		w.alice.do("DELETE", path, "").want(t, 204)
		w.alice.gone(t, path)
	}
	list, _ = w.alice.do("GET", "/volume/v3/{me}/snapshots", "").at("snapshots").([]any)
	for _, s := range list {
		path := "/volume/v3/{me}/snapshots/" + text(s.(map[string]any)["id"])
		w.alice.becomes(t, path, "snapshot.status", "available")
		w.alice.do("DELETE", path, "").want(t, 202)
		w.alice.gone(t, path)
	}
	w.deleteVolumes(t)
}
