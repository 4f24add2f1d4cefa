package objecttest

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/object"
)

func refusedUploads(t *testing.T, s Store) {
	s.make(t, "c")
	s.upload(t, at("c", "o"), "old")
	cut := errors.New("connection reset")
	for what, tt := range map[string]struct {
		u    object.UploadSpec
		want error
	}{
		"cut":            {object.UploadSpec{Size: -1, Body: io.MultiReader(strings.NewReader("ne"), iotest.ErrReader(cut))}, cut},
		"short":          {object.UploadSpec{Size: 4, Body: strings.NewReader("new")}, io.ErrUnexpectedEOF},
		"checksum":       {object.UploadSpec{Size: 3, ETag: sum("other"), Body: strings.NewReader("new")}, object.ErrChecksum},
		"exists":         {object.UploadSpec{Size: 3, Absent: true, Body: strings.NewReader("new")}, object.ErrPrecondition},
		"announced size": {object.UploadSpec{Size: 6 << 30, Body: strings.NewReader("new")}, object.ErrTooLarge},
	} {
		tt.u.ObjectID = at("c", "o")
		_, err := s.Upload(member(t), tt.u)
		wantKind(t, what, err, tt.want)
		s.want(t, at("c", "o"), "old")
	}
	if _, err := s.Upload(member(t), object.UploadSpec{ObjectID: at("c", "n"), Size: 3, Absent: true, ETag: strings.ToUpper(sum("new")), Body: strings.NewReader("new")}); err != nil {
		t.Errorf("an absent object: %v", err)
	}
}

func copies(t *testing.T, s Store) {
	ctx := member(t)
	s.make(t, "c")
	s.make(t, "d")
	s.upload(t, at("c", "o"), "bytes")
	said := object.Properties{ContentType: "text/x", Metadata: object.Metadata{"A": "1", "B": "1"}}
	if err := s.UpdateObject(ctx, object.ObjectPatch{ObjectID: at("c", "o"), Properties: said}); err != nil {
		t.Fatal(err)
	}
	o, err := s.CopyObject(ctx, object.CopySpec{From: at("c", "o"), To: at("d", "o"), Properties: object.Properties{Metadata: object.Metadata{"B": "2"}}})
	if diff := cmp.Diff(object.Metadata{"A": "1", "B": "2"}, o.Metadata); err != nil || diff != "" || o.ContentType != "text/x" {
		t.Errorf("copy = %+v, %v, %s", o, err, diff)
	}
	fresh, err := s.CopyObject(ctx, object.CopySpec{From: at("c", "o"), To: at("c", "fresh"), Fresh: true})
	if err != nil || len(fresh.Metadata) != 0 {
		t.Errorf("fresh copy = %+v, %v", fresh, err)
	}
	itself, err := s.CopyObject(ctx, object.CopySpec{From: at("c", "o"), To: at("c", "o"), Properties: object.Properties{ContentType: "text/y"}})
	if err != nil || itself.ContentType != "text/y" {
		t.Errorf("copy to itself = %+v, %v", itself, err)
	}
	for _, id := range []object.ObjectID{at("c", "o"), at("c", "fresh")} {
		s.want(t, at("d", "o"), "bytes")
		if err := s.DeleteObject(ctx, object.DeleteSpec{ObjectID: id}); err != nil {
			t.Fatal(err)
		}
	}
	s.want(t, at("d", "o"), "bytes")
	s.upload(t, at("d", "o"), "others")
	s.want(t, at("d", "o"), "others")
	_, err = s.CopyObject(ctx, object.CopySpec{From: at("c", "o"), To: at("d", "x")})
	wantKind(t, "copy of nothing", err, fault.NotFound)
}
