package embedded_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

// TestWhoSeesAVolumeInUseMayGoOn: the run that attached it may not have ended yet.
func TestWhoSeesAVolumeInUseMayGoOn(t *testing.T) {
	w := newWorld(t)
	s, v := w.alice.newServer(t), w.alice.newVolume(t)
	for range 20 {
		w.alice.attach(t, s, v)
		w.alice.becomes(t, v, "volume.status", "in-use")
		w.alice.do("DELETE", s+"/os-volume_attachments/"+last(v), "").want(t, 202)
		w.alice.becomes(t, v, "volume.status", "available")
	}
	w.alice.attach(t, s, v)
	w.alice.becomes(t, v, "volume.status", "in-use")
	w.alice.does(t, s, "os-stop", "SHUTOFF")
}

// TestVolumesAttachedAtOnceAreAllAttached, each as a device of its own.
func TestVolumesAttachedAtOnceAreAllAttached(t *testing.T) {
	w := newWorld(t)
	s := w.alice.newServer(t)
	const many = 6
	var wg sync.WaitGroup
	for range many {
		v := w.alice.newVolume(t)
		wg.Go(func() {
			r, err := w.alice.send("POST", s+"/os-volume_attachments", strings.NewReader(`{"volumeAttachment":{"volumeId":"`+last(v)+`"}}`))
			if err != nil || r.status != 200 {
				t.Error(r.status, r.body, err)
			}
		})
	}
	wg.Wait()
	var devices []string
	flowtest.Eventually(t, "all are attached", func() bool {
		devices = nil
		list, _ := w.alice.do("GET", s+"/os-volume_attachments", "").at("volumeAttachments").([]any)
		for _, a := range list {
			if device := text(a.(map[string]any)["device"]); device != "" {
				devices = append(devices, device)
			}
		}
		return t.Failed() || len(devices) == many
	})
	slices.Sort(devices)
	if len(slices.Compact(devices)) != many {
		t.Errorf("the devices are %v", devices)
	}
}
