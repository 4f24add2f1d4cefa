package rest_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

func TestPagesAreAskedFor(t *testing.T) {
	strict := rest.Paging{
		Max: 100, Strict: true, ZeroIsNone: true, Descending: true,
		Keys: map[string]string{"created_at": "created", "name": "name"},
		Sort: []page.Sort{{Key: "created", Descending: true}},
	}
	lenient := rest.Paging{Max: 100, Keys: strict.Keys}
	byCreation := []page.Sort{{Key: "created", Descending: true}}
	tests := []struct {
		name, query string
		rules       rest.Paging
		want        page.Query
		status      int
	}{
		{"nothing", "", strict, page.Query{Limit: 100, Sort: byCreation}, 200},
		{"limit and marker", "limit=5&marker=m", lenient, page.Query{Limit: 5, Marker: "m"}, 200},
		{"a large limit is cut", "limit=500", lenient, page.Query{Limit: 100}, 200},
		{"a large limit is refused", "limit=500", strict, page.Query{}, 400},
		{"zero means all", "limit=0", lenient, page.Query{Limit: 100}, 200},
		{"a negative limit", "limit=-1", lenient, page.Query{}, 400},
		{"a limit that is no number", "limit=many", lenient, page.Query{}, 400},
		{"an empty limit", "limit=", lenient, page.Query{}, 400},
		{"an offset", "offset=3", lenient, page.Query{Limit: 100, Offset: 3}, 200},
		{"a negative offset", "offset=-3", lenient, page.Query{}, 400},
		{"backwards", "page_reverse=True&marker=m", lenient, page.Query{Limit: 100, Marker: "m", Reverse: true}, 200},
		{
			"sort_key and sort_dir", "sort_key=name&sort_dir=asc&sort_key=created_at&sort_dir=desc", strict,
			page.Query{Limit: 100, Sort: []page.Sort{{Key: "name"}, {Key: "created", Descending: true}}},
			200,
		},
		{"the default direction", "sort_key=name", strict, page.Query{Limit: 100, Sort: []page.Sort{{Key: "name", Descending: true}}}, 200},
		{"pairs", "sort=name:asc,created_at", strict, page.Query{Limit: 100, Sort: []page.Sort{{Key: "name"}, {Key: "created", Descending: true}}}, 200},
		{"a direction alone", "sort_dir=asc", strict, page.Query{Limit: 100, Sort: []page.Sort{{Key: "created"}}}, 200},
		{"an unknown key", "sort_key=password", strict, page.Query{}, 400},
		{"an unknown direction", "sort=name:up", strict, page.Query{}, 400},
		{"too many directions", "sort_key=name&sort_dir=asc&sort_dir=desc", strict, page.Query{}, 400},
		{"a malformed query", "a=%zz", lenient, page.Query{}, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got page.Query
			h := one(t, func(r *rest.Request) (rest.Response, error) {
				q := r.Query()
				got = q.Page(tt.rules)
				return rest.Empty().Status(200), q.Err()
			})
			try{method: "GET", path: "/a/v2/things?" + tt.query, status: tt.status}.check(t, h)
			if diff := cmp.Diff(tt.want, got); tt.status == 200 && diff != "" {
				t.Error(diff)
			}
		})
	}
}

// one serves a single handler at /a/v2/things.
func one(t *testing.T, f rest.Handler) http.Handler {
	t.Helper()
	return serverOf(t, rest.Config{}, rest.Face{
		Name: "a", Prefix: "/a", Dialect: dialect.Keyed, Routes: []rest.Route{rest.GET("/v2/things", f)},
	}).Handler()
}

type thing struct {
	ID int `json:"id"`
}

func (t thing) Marker() string { return strconv.Itoa(t.ID) }

func TestPagesAreLinked(t *testing.T) {
	middle := page.Of[thing]{Items: []thing{{3}, {4}}, Next: "4"}
	last := page.Of[thing]{Items: []thing{{5}}}
	back := page.Of[thing]{Items: []thing{{3}, {4}}, Next: "3"}
	host := `http://example.com/a/v2/things?`
	tests := []struct {
		name, query string
		links       rest.Links
		page        page.Of[thing]
		want        string
	}{
		{"no links", "limit=2", nil, middle, `{"things":[{"id":3},{"id":4}]}`},
		{"an empty page is a list", "", nil, page.Of[thing]{}, `{"things":[]}`},
		{"next", "limit=2&marker=2&x=y", rest.NextLink, middle, `{"things":[{"id":3},{"id":4}],"things_links":[{"rel":"next","href":"` + host + `limit=2&marker=4&x=y"}]}`},
		{"no next on the last page", "marker=4", rest.NextLink, last, `{"things":[{"id":5}]}`},
		{"zero asks for none", "limit=0", rest.NextLink, middle, `{"things":[]}`},
		{"next and previous", "limit=2&marker=2", rest.BothLinks, middle, `{"things":[{"id":3},{"id":4}],"things_links":[{"rel":"next","href":"` + host + `limit=2&marker=4"},{"rel":"previous","href":"` + host + `limit=2&marker=3&page_reverse=True"}]}`},
		{"backwards", "limit=2&marker=5&page_reverse=True", rest.BothLinks, back, `{"things":[{"id":3},{"id":4}],"things_links":[{"rel":"next","href":"` + host + `limit=2&marker=4"},{"rel":"previous","href":"` + host + `limit=2&marker=3&page_reverse=True"}]}`},
		{"paths", "limit=2&marker=2", rest.PathLinks, middle, `{"things":[{"id":3},{"id":4}],"first":"/v2/things?limit=2","next":"/v2/things?limit=2&marker=4"}`},
		{"an object", "limit=2", rest.LinksObject, last, `{"things":[{"id":5}],"links":{"next":null,"self":"` + host + `limit=2","previous":null}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := one(t, func(r *rest.Request) (rest.Response, error) {
				q := r.Query()
				q.Page(rest.Paging{ZeroIsNone: true, Links: tt.links})
				return rest.ReplyPage(r, "things", tt.page), q.Err()
			})
			w := try{method: "GET", path: "/a/v2/things?" + tt.query}.send(t, h)
			if diff := cmp.Diff(tt.want, w.Body.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParametersAreReadStrictly(t *testing.T) {
	read := func(q *rest.Query) { q.Flag("all"); q.Int("n", 1); q.Bool("b", true); q.UUID("id"); q.List("l") }
	tests := []struct {
		query  string
		status int
	}{
		{"", 200},
		{"all&n=3&b=off&l=a,b&l=c", 200},
		{"all=no", 200},
		{"id=00000000-0000-4000-8000-000000000001", 200},
		{"id=00000000000040008000000000000001", 200},
		{"n=1.5", 400},
		{"n=", 400},
		{"b=maybe", 400},
		{"b=", 400},
		{"id=1", 400},
		{"id={00000000-0000-4000-8000-000000000001}", 400},
		{"x=1", 400},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			h := one(t, func(r *rest.Request) (rest.Response, error) {
				q := r.Query()
				read(q)
				return rest.Empty().Status(200), q.NoMore()
			})
			try{method: "GET", path: "/a/v2/things?" + tt.query, status: tt.status}.check(t, h)
		})
	}
}

func TestSelectedFields(t *testing.T) {
	h := one(t, func(r *rest.Request) (rest.Response, error) {
		return rest.ReplyUnder("things", []map[string]any{{"id": 1, "name": "a"}}).Only(r.Query().Strings("fields")...), nil
	})
	try{method: "GET", path: "/a/v2/things?fields=id", status: 200, want: `{"things":[{"id":1}]}`}.check(t, h)
	try{method: "GET", path: "/a/v2/things", status: 200, want: `{"things":[{"id":1,"name":"a"}]}`}.check(t, h)
}
