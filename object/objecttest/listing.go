package objecttest

import (
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/object"
)

var listingTests = []struct {
	name string
	q    object.Query
	want string
}{
	{"all, by bytes", object.Query{}, "B a a/1 a/2 a/x/1 a/x/2 b b0 é 日"},
	{"limit", object.Query{Limit: 2}, "B a"},
	{"none", object.Query{Limit: -1}, ""},
	{"prefix", object.Query{Prefix: "a/"}, "a/1 a/2 a/x/1 a/x/2"},
	{"delimiter", object.Query{Delimiter: "/"}, "B a <a/> b b0 é 日"},
	{"delimiter and prefix", object.Query{Delimiter: "/", Prefix: "a/"}, "a/1 a/2 <a/x/>"},
	{"delimiter and marker", object.Query{Delimiter: "/", Marker: "a/"}, "b b0 é 日"},
	{"a long delimiter", object.Query{Delimiter: "/x/"}, "B a a/1 a/2 <a/x/> b b0 é 日"},
	{"only items", object.Query{Delimiter: "/", Prefix: "a/", ItemsOnly: true}, "a/1 a/2"},
	{"marker", object.Query{Marker: "a/2"}, "a/x/1 a/x/2 b b0 é 日"},
	{"a marker that is not there", object.Query{Marker: "a/3"}, "a/x/1 a/x/2 b b0 é 日"},
	{"end", object.Query{EndMarker: "a/2"}, "B a a/1"},
	{"between", object.Query{Marker: "a", EndMarker: "b"}, "a/1 a/2 a/x/1 a/x/2"},
	{"reverse", object.Query{Reverse: true, Limit: 3}, "日 é b0"},
	{"reverse between", object.Query{Reverse: true, Marker: "b", EndMarker: "a"}, "a/x/2 a/x/1 a/2 a/1"},
	{"reverse delimiter", object.Query{Reverse: true, Delimiter: "/"}, "日 é b0 b <a/> a B"},
	{"nothing", object.Query{Prefix: "zz"}, ""},
}

func listings(t *testing.T, s Store) {
	s.make(t, "c")
	for _, name := range []object.Name{"B", "a", "a/1", "a/2", "a/x/1", "a/x/2", "b", "b0", "é", "日"} {
		s.upload(t, at("c", name), "")
	}
	show := func(q object.Query) string {
		q.ContainerID = in("c")
		l, err := s.Objects(member(t), q)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range l.Entries {
			if e.Folder {
				got = append(got, "<"+string(e.Name)+">")
			} else {
				got = append(got, string(e.Item.Name))
			}
		}
		return strings.Join(got, " ")
	}
	for _, tt := range listingTests {
		t.Run(tt.name, func(t *testing.T) {
			if got := show(tt.q); got != tt.want {
				t.Errorf("listing = %q, want %q", got, tt.want)
			}
		})
	}
	for _, reverse := range []bool{false, true} {
		var paged []string
		marker := object.Name("")
		for {
			page := show(object.Query{Delimiter: "/", Marker: marker, Limit: 1, Reverse: reverse})
			if page == "" {
				break
			}
			paged = append(paged, page)
			marker = object.Name(strings.Trim(page, "<>"))
		}
		if want := show(object.Query{Delimiter: "/", Reverse: reverse}); strings.Join(paged, " ") != want {
			t.Errorf("one at a time: %q, want %q", paged, want)
		}
	}
	_, err := s.Objects(member(t), object.Query{ContainerID: in("none")})
	wantKind(t, "a container that is not there", err, fault.NotFound)
}
