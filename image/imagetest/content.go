package imagetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/internal/blob/blobtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

// backed is the head of a qcow2 image that names a backing file.
func backed() []byte {
	head := make([]byte, 4096)
	copy(head, "QFI\xfb")
	head[7] = 2                  // version
	head[15], head[19] = 112, 11 // where the name is, and how long
	head[23], head[31] = 16, 1   // clusters of 64 KiB, a disk of one byte
	copy(head[112:], "/etc/passwd")
	return head
}

func wrongBytes(t *testing.T, w World) {
	for name, tt := range map[string]struct {
		format string
		data   []byte
	}{
		"raw as qcow2":                  {"qcow2", blobtest.Random(5000)},
		"qcow2 as raw":                  {"raw", append([]byte("QFI\xfb\x00\x00\x00\x03"), blobtest.Random(5000)...)},
		"a qcow2 with a backing":        {"qcow2", backed()},
		"a head alone":                  {"qcow2", []byte("QFI\xfb")},
		"a vhd without its last sector": {"vhd", blobtest.Random(5000)},
	} {
		i := w.queued(t, image.CreateSpec{DiskFormat: tt.format, ContainerFormat: "bare"})
		_, err := w.Content.Upload(member(t), i.ID, bytes.NewReader(tt.data))
		is(t, name, err, fault.Invalid)
		i, err = w.Image(member(t), i.ID)
		must(t, err)
		if i.Status != image.Queued || i.SizeBytes != 0 || i.MD5 != "" {
			t.Errorf("%s: %+v", name, i)
		}
	}
}

func brokenUpload(t *testing.T, w World) {
	i := w.queued(t, image.CreateSpec{})
	cut := blobtest.Cut(blobtest.Random(300_000), errors.New("connection reset"))
	if _, err := w.Content.Upload(member(t), i.ID, cut); err == nil {
		t.Fatal("a broken upload was accepted")
	}
	flowtest.Eventually(t, "the image is queued again", func() bool {
		i, err := w.Image(member(t), i.ID)
		return err == nil && i.Status == image.Queued
	})
	_, err := w.Content.Upload(member(t), i.ID, strings.NewReader("whole"))
	must(t, err)
	if got := w.content(t, member(t), i.ID, image.Range{}); got != "whole" {
		t.Errorf("read %q", got)
	}
}

func uploadTwice(t *testing.T, w World) {
	i := w.active(t, image.CreateSpec{}, "first")
	_, err := w.Content.Upload(member(t), i.ID, strings.NewReader("second"))
	is(t, "upload again", err, image.ErrState)
	if got := w.content(t, member(t), i.ID, image.Range{}); got != "first" {
		t.Errorf("read %q", got)
	}
}

func racingUploads(t *testing.T, w World) {
	i := w.queued(t, image.CreateSpec{})
	errs := make(chan error)
	for n := range 8 {
		go func() {
			_, err := w.Content.Upload(member(t), i.ID, strings.NewReader(strings.Repeat(fmt.Sprint(n), 100_000)))
			errs <- err
		}()
	}
	won := 0
	for range 8 {
		if err := <-errs; err == nil {
			won++
		} else {
			is(t, "a loser", err, image.ErrState)
		}
	}
	got := w.content(t, member(t), i.ID, image.Range{})
	if won != 1 || len(got) != 100_000 || strings.Trim(got, got[:1]) != "" {
		t.Errorf("%d uploads won and left %d bytes", won, len(got))
	}
}

func deleteDuringUpload(t *testing.T, w World) {
	i := w.queued(t, image.CreateSpec{})
	in, out := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := w.Content.Upload(member(t), i.ID, in)
		in.CloseWithError(err)
		done <- err
	}()
	_, err := out.Write(blobtest.Random(100_000))
	must(t, err)
	flowtest.Eventually(t, "the upload is under way", func() bool {
		i, err := w.Image(member(t), i.ID)
		return err == nil && i.Status == image.Saving
	})
	_, err = w.Content.Upload(member(t), i.ID, strings.NewReader("x"))
	is(t, "a second upload", err, image.ErrState)
	must(t, w.DeleteImage(member(t), i.ID))
	must(t, out.Close())
	if err := <-done; err == nil {
		t.Error("an upload made a deleted image")
	}
	_, err = w.Image(member(t), i.ID)
	is(t, "the image", err, fault.NotFound)
}

func readRanges(t *testing.T, w World) {
	i := w.active(t, image.CreateSpec{}, "0123456789")
	for want, r := range map[string]image.Range{
		"0": {Length: 1}, "9": {Offset: 9}, "345": {Offset: 3, Length: 3}, "56789": {Offset: 5, Length: 100},
	} {
		if got := w.content(t, member(t), i.ID, r); got != want {
			t.Errorf("%+v gives %q, want %q", r, got, want)
		}
	}
	_, _, err := w.Content.Open(member(t), i.ID, image.Range{Offset: 10})
	is(t, "beyond the end", err, fault.Invalid)
}
