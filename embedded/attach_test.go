package embedded_test

import "testing"

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
