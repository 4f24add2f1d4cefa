package objecttest

import (
	"encoding/json"
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
	s.upload(t, at("parts", "x"), "x")
	inner := object.UploadSpec{ObjectID: at("parts", "p/0"), Segments: []object.Segment{{Container: "parts", Object: "x", Size: -1}}}
	if _, err := s.Upload(ctx, inner); err != nil {
		t.Fatal(err)
	}
	_, err = s.read(ctx, at("c", "dynamic"))
	wantKind(t, "a segment that is itself a large object", err, fault.Conflict)
}

// manifestsCount follows the bytes of manifests through all that becomes of them.
func manifestsCount(t *testing.T, s Store) {
	ctx := member(t)
	s.make(t, "parts")
	s.versioned(t, false)
	for _, name := range []object.Name{"1", "2 é&<"} {
		s.upload(t, at("parts", name), "abc")
	}
	join := func(name object.Name, parts ...object.Name) (object.Object, error) {
		u := object.UploadSpec{ObjectID: at("c", name), Size: 1 << 20} // of the request, which is not kept
		for _, p := range parts {
			u.Segments = append(u.Segments, object.Segment{Container: "parts", Object: p, Size: -1})
		}
		return s.Upload(ctx, u)
	}
	size := func(o object.Object, err error) int64 {
		t.Helper()
		row, e := json.Marshal(o.Segments)
		if err != nil || e != nil {
			t.Fatal(err, e)
		}
		return int64(len(row))
	}
	want := func(what string, c, old int64) {
		t.Helper()
		for name, n := range map[object.Name]int64{"c": c, "old": old} {
			if got, err := s.Container(ctx, in(name)); err != nil || got.Bytes != n {
				t.Errorf("%s: container %s has %d bytes, %v, want %d", what, name, got.Bytes, err, n)
			}
		}
		if a, err := s.Account(ctx, project); err != nil || a.Bytes != c+old+6 {
			t.Errorf("%s: the account has %d bytes, %v, want %d", what, a.Bytes, err, c+old+6)
		}
	}
	two := size(join("o", "1", "2 é&<"))
	want("upload", two, 0)
	one := size(join("o", "1"))
	want("overwrite", one, two)
	cp := object.CopySpec{From: at("c", "o"), To: at("c", "copy"), KeepLarge: true}
	if _, err := s.CopyObject(ctx, cp); err != nil {
		t.Fatal(err)
	}
	want("copy", 2*one, two)
	s.upload(t, at("c", "o"), "plain")
	want("a plain object", one+5, two+one)
	s.delete(t, at("c", "o"))
	want("the version before", 2*one, two)
	s.want(t, at("c", "o"), "abc")
	s.delete(t, at("c", "o"))
	want("and before it", one+two, 0)
	s.want(t, at("c", "o"), "abcabc")

	quota := object.ContainerPatch{ContainerID: in("c"), Metadata: object.Patch{"Quota-Bytes": fmt.Sprint(one + two + one - 1)}}
	if err := s.UpdateContainer(ctx, quota); err != nil {
		t.Fatal(err)
	}
	_, err := join("more", "1")
	wantKind(t, "a manifest above the quota", err, fault.OverQuota)
	quota.Metadata["Quota-Bytes"] = fmt.Sprint(one + two + one)
	if err := s.UpdateContainer(ctx, quota); err != nil {
		t.Fatal(err)
	}
	_ = size(join("more", "1"))
	for _, name := range []object.Name{"more", "copy", "o"} {
		s.delete(t, at("c", name))
	}
	want("delete", 0, 0)
}
