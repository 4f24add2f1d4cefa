package objecttest

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/object"
)

func largeObjects(t *testing.T, s Store) {
	ctx := member(t)
	s.make(t, "c")
	s.make(t, "parts")
	var all string
	var segments []object.Segment
	for i := range 5 {
		body := strings.Repeat(fmt.Sprint(i), 1000+i)
		s.upload(t, at("parts", object.Name(fmt.Sprint("p/", i))), body)
		all += body
		segments = append(segments, object.Segment{Container: "parts", Object: object.Name(fmt.Sprint("p/", i)), Size: -1})
	}
	s.upload(t, at("c", "dynamic"), "")
	if err := s.UpdateObject(ctx, object.ObjectPatch{ObjectID: at("c", "dynamic"), Properties: object.Properties{Manifest: "parts/p/"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Upload(ctx, object.UploadSpec{ObjectID: at("c", "static"), Segments: segments}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []object.Name{"dynamic", "static"} {
		s.want(t, at("c", name), all)
		b, err := s.Download(ctx, object.DownloadSpec{ObjectID: at("c", name)})
		if err != nil || b.Size != int64(len(all)) || !b.Large() {
			t.Fatalf("%s = %+v, %v, want %d bytes", name, b.Object, err, len(all))
		}
		for _, r := range []object.Range{{Offset: 999, Length: 3}, {Offset: 1500, Length: 2500}, {Offset: 5009}} {
			body, err := b.Open(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			n, _ := r.Clip(b.Size)
			if got, err := io.ReadAll(body); err != nil || string(got) != all[r.Offset:r.Offset+n] {
				t.Errorf("%s %+v = %d bytes, %v, want %d", name, r, len(got), err, n)
			}
			body.Close()
		}
		if _, err := s.CopyObject(ctx, object.CopySpec{From: at("c", name), To: at("c", "joined")}); err != nil {
			t.Errorf("join %s: %v", name, err)
		}
		s.want(t, at("c", "joined"), all)
		if o, err := s.Object(ctx, at("c", "joined")); err != nil || o.Large() || o.ETag != sum(all) {
			t.Errorf("joined = %+v, %v, want a plain object", o, err)
		}
	}
	segments[0].ETag = sum("other")
	_, err := s.Upload(ctx, object.UploadSpec{ObjectID: at("c", "bad"), Segments: segments})
	wantKind(t, "a segment with another checksum", err, fault.Invalid)
	if err := s.DeleteObject(ctx, object.DeleteSpec{ObjectID: at("c", "static"), Segments: true}); err != nil {
		t.Fatal(err)
	}
	s.wantGone(t, at("parts", "p/0"))
	s.want(t, at("c", "dynamic"), "")
}
