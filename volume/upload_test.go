package volume_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/volume"
	"github.com/nacre-cloud/nacre/volume/memory"
)

// sink is an image service for images without a home.
type sink struct {
	mu     sync.Mutex
	images map[string]int64 // bytes; -1 while there are none
	full   bool
}

func newSink() *sink { return &sink{images: map[string]int64{}} }

func (s *sink) CreateImage(_ context.Context, i volume.ImageSpec) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.images[i.ID]; !ok {
		s.images[i.ID] = -1
	}
	return nil
}

func (s *sink) UploadImage(_ context.Context, id string, r io.Reader) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return fault.OverQuota.Errorf("no room for images")
	}
	if s.images[id] >= 0 {
		return nil
	}
	n, err := io.Copy(io.Discard, r)
	if err == nil {
		s.images[id] = n
	}
	return err
}

func (s *sink) DeleteImage(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.images, id)
	return nil
}

func (s *sink) size(id string) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.images[id]
	return n, ok
}

func uploader(t *testing.T) context.Context {
	return identity.With(t.Context(), identity.Caller{UserID: "u", ProjectID: "p", Roles: identity.Expand(identity.RoleMember)})
}

// available returns a volume that can be uploaded.
func available(t *testing.T, m *volume.Manager) volume.Volume {
	t.Helper()
	v, err := m.CreateVolume(uploader(t), volume.CreateSpec{SizeGiB: 2, ImageID: "image"})
	if err != nil {
		t.Fatal(err)
	}
	return settled(t, m, v.ID)
}

func settled(t *testing.T, m *volume.Manager, id volume.ID) (v volume.Volume) {
	t.Helper()
	flowtest.Eventually(t, "the volume is available", func() bool {
		var err error
		v, err = m.Volume(uploader(t), id)
		return err == nil && v.Status == volume.Available
	})
	return v
}

func TestAnImageIsMadeOfAVolume(t *testing.T) {
	images := newSink()
	m := newUploader(t, dbtest.SQLite(t, migrations...), memory.New(), images)
	v := available(t, m)
	u, err := m.UploadVolume(uploader(t), volume.UploadSpec{VolumeID: v.ID, Name: "copy"})
	if err != nil {
		t.Fatal(err)
	}
	if u.Volume.Status != volume.Uploading || u.Image.MinDiskGiB != 2 || u.Image.DiskFormat != "raw" || u.Image.Properties["os"] != "linux" {
		t.Errorf("%+v", u)
	}
	settled(t, m, v.ID)
	if n, _ := images.size(u.Image.ID); n <= 0 {
		t.Errorf("the image has %d bytes", n)
	}
	_, err = m.UploadVolume(uploader(t), volume.UploadSpec{VolumeID: v.ID, Name: "copy", DiskFormat: "vhd"})
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("a format that nobody writes: %v", err)
	}
	if _, err := m.Attach(uploader(t), volume.AttachSpec{VolumeID: v.ID, ServerID: "s"}); err != nil {
		t.Fatal(err)
	}
	if _, err = m.UploadVolume(uploader(t), volume.UploadSpec{VolumeID: v.ID, Name: "copy"}); !errors.Is(err, volume.ErrState) {
		t.Errorf("a volume that is written to: %v", err)
	}
}

func TestAnUploadThatFailsLeavesTheVolume(t *testing.T) {
	images := newSink()
	m := newUploader(t, dbtest.SQLite(t, migrations...), memory.New(), images)
	v := available(t, m)
	images.full = true
	u, err := m.UploadVolume(uploader(t), volume.UploadSpec{VolumeID: v.ID, Name: "copy"})
	if err != nil {
		t.Fatal(err)
	}
	settled(t, m, v.ID)
	if _, left := images.size(u.Image.ID); left {
		t.Error("an image without bytes is left")
	}
}

// mute is a backend that fails in the middle of a volume.
type mute struct{ *memory.Driver }

func (mute) Export(_ context.Context, _ volume.Volume, w io.Writer) error {
	_, err := io.Copy(w, strings.NewReader("half"))
	return errors.Join(err, fault.Exhausted.Errorf("the disk is broken"))
}

func TestAHalfReadVolumeIsNoImage(t *testing.T) {
	images := newSink()
	m := newUploader(t, dbtest.SQLite(t, migrations...), mute{memory.New()}, images)
	v := available(t, m)
	u, err := m.UploadVolume(uploader(t), volume.UploadSpec{VolumeID: v.ID, Name: "copy"})
	if err != nil {
		t.Fatal(err)
	}
	settled(t, m, v.ID)
	if _, left := images.size(u.Image.ID); left {
		t.Error("half an image is left")
	}
}

func TestUploadFlow(t *testing.T) {
	flowtest.Prove(t, func(t *testing.T) flowtest.World[volume.Upload] {
		d := dbtest.SQLite(t, migrations...)
		images := newSink()
		m := newUploader(t, d, memory.New(), images)
		v := available(t, m)
		v.Status = volume.Uploading
		id := db.NewID()
		back := func(t *testing.T) {
			if got, err := m.Volume(uploader(t), v.ID); err != nil || got.Status == volume.Failed {
				t.Errorf("volume %s, %v", got.Status, err)
			}
		}
		return flowtest.World[volume.Upload]{
			DB: d, Flow: m.UploadFlow(), Subject: "volume/" + string(v.ID),
			State: volume.Upload{Volume: v, Image: volume.ImageSpec{ID: id, Name: "copy", DiskFormat: "raw", Container: "bare"}},
			Begin: func(ctx context.Context, _ *db.Tx) error { return images.CreateImage(ctx, volume.ImageSpec{ID: id}) },
			Done: func(t *testing.T) {
				back(t)
				if n, _ := images.size(id); n <= 0 {
					t.Errorf("the image has %d bytes", n)
				}
			},
			Clean: func(t *testing.T) {
				back(t)
				if _, left := images.size(id); left {
					t.Error("an image is left")
				}
			},
		}
	})
}
