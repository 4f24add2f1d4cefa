package microversion_test

import (
	"encoding/json"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

var (
	v21 = microversion.MustParse("2.1")
	v29 = microversion.MustParse("2.9")
)

func encode(t *testing.T, v any, o microversion.Options) string {
	t.Helper()
	out, err := microversion.Append(nil, v, o)
	if err != nil {
		t.Fatalf("encode %T: %v", v, err)
	}
	return string(out)
}

type flavorLink struct {
	ID string `json:"id"`
}

type flavorCopy struct {
	VCPUs int `json:"vcpus"`
	Swap  int `json:"swap" since:"2.60"`
}

type timestamps struct {
	Created time.Time  `json:"created" time:"z"`
	Deleted *time.Time `json:"deleted" time:"micro"`
}

type server struct {
	ID         string       `json:"id"`
	Locked     bool         `json:"locked" since:"2.9"`
	Flavor     flavorLink   `json:"flavor" until:"2.46"`
	FlavorCopy flavorCopy   `as:"flavor" since:"2.47"`
	Old        []flavorCopy `json:"old,omitempty" until:"2.46"`
	timestamps `since:"2.2"`
}

func TestFieldsLiveInTheirVersions(t *testing.T) {
	deleted := time.Date(2026, 2, 3, 4, 5, 6, 7000, time.FixedZone("", 3600))
	s := server{ID: "a", Flavor: flavorLink{"1"}, FlavorCopy: flavorCopy{VCPUs: 2}, timestamps: timestamps{Deleted: &deleted}}
	old := s
	old.Old = []flavorCopy{{Swap: 7}}
	tests := []struct {
		version string
		in      server
		want    string
	}{
		{"2.1", s, `{"id":"a","flavor":{"id":"1"}}`},
		{"2.2", s, `{"id":"a","flavor":{"id":"1"},"created":null,"deleted":"2026-02-03T03:05:06.000007"}`},
		{"2.9", s, `{"id":"a","locked":false,"flavor":{"id":"1"},"created":null,"deleted":"2026-02-03T03:05:06.000007"}`},
		{"2.1", old, `{"id":"a","flavor":{"id":"1"},"old":[{"vcpus":0}]}`},
		{"2.47", s, `{"id":"a","locked":false,"flavor":{"vcpus":2},"created":null,"deleted":"2026-02-03T03:05:06.000007"}`},
		{"2.60", s, `{"id":"a","locked":false,"flavor":{"vcpus":2,"swap":0},"created":null,"deleted":"2026-02-03T03:05:06.000007"}`},
	}
	for _, tt := range tests {
		t.Run(tt.version, func(t *testing.T) {
			o := microversion.Options{Version: microversion.MustParse(tt.version)}
			if diff := cmp.Diff(tt.want, encode(t, tt.in, o)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.want, encode(t, &tt.in, o)); diff != "" {
				t.Error("by pointer:", diff)
			}
		})
	}
}

type tree struct {
	Name     string  `json:"name"`
	Children []*tree `json:"children,omitempty"`
	New      *tree   `json:"new,omitempty" since:"2.9"`
}

type shouting string

func (s shouting) MarshalText() ([]byte, error) { return []byte(strings.ToUpper(string(s))), nil }

type whole struct{ n int }

func (w *whole) MarshalJSON() ([]byte, error) { return []byte(`{ "whole": true }`), nil }

func TestValuesAreWrittenAsClientsReadThem(t *testing.T) {
	one, when := 1, time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	loop := &tree{Name: "a", Children: []*tree{{Name: "b", New: &tree{Name: "c"}}}}
	tests := []struct {
		name string
		in   any
		want string
	}{
		{"nil", nil, `null`},
		{"a nil pointer", (*server)(nil), `null`},
		{"a nil slice is a list", []string(nil), `[]`},
		{"a nil map is an object", map[string]int(nil), `{}`},
		{"a nil map of strings", map[string]string(nil), `{}`},
		{"an empty struct", struct{}{}, `{}`},
		{"no html escapes", "<a&b>", `"<a&b>"`},
		{"escapes", "\"\\\b\f\n\r\t\x01\u2028\x7f\xff", `"\"\\\b\f\n\r\t\u0001\u2028` + "\x7f" + `\ufffd"`},
		{"maps are sorted", map[string]any{"b": 1, "a": map[string]string{"d": "", "c": ""}}, `{"a":{"c":"","d":""},"b":1}`},
		{
			"maps of maps give back their keys",
			map[string]any{"a": map[string]any{"x": 1, "y": 2}, "b": map[string]any{"z": 1}, "c": 3},
			`{"a":{"x":1,"y":2},"b":{"z":1},"c":3}`,
		},
		{"maps with number keys", map[int]bool{2: true, 10: false}, `{"10":false,"2":true}`},
		{"maps of structs", map[string]flavorLink{"a": {"1"}}, `{"a":{"id":"1"}}`},
		{"floats", []float64{0, 1, 1.5, 1e21, 1e-7, -2.5e-9}, `[0,1,1.5,1e+21,1e-7,-2.5e-9]`},
		{"recursive types", loop, `{"name":"a","children":[{"name":"b"}]}`},
		{"text marshalers", []any{shouting("a"), netip.MustParseAddr("10.0.0.1")}, `["A","10.0.0.1"]`},
		{"keys that marshal themselves", map[netip.Addr]int{netip.MustParseAddr("::1"): 1}, `{"::1":1}`},
		{"pointer marshalers", []whole{{1}}, `[{"whole":true}]`},
		{"raw messages", json.RawMessage(`{"a": [1, 2]}`), `{"a":[1,2]}`},
		{"numbers", json.Number("12.50"), `12.50`},
		{"bytes", []byte("hello"), `"aGVsbG8="`},
		{"times", when, `"2026-01-02T03:04:05.0000006Z"`},
		{"pointers", []*int{&one, nil}, `[1,null]`},
		{"objects keep their order", microversion.Object{{"b", 1}, {"a", []string{"x"}}}, `{"b":1,"a":["x"]}`},
		{"optionals", []microversion.Optional[int]{microversion.Of(3), {Given: true, Null: true}, {}}, `[3,null,null]`},
		{"omitzero", struct {
			A microversion.Optional[int] `json:"a,omitzero"`
			B time.Time                  `json:"b,omitzero"`
			C int                        `json:"c,omitzero"`
			D int                        `json:"d"`
		}{}, `{"d":0}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, encode(t, tt.in, microversion.Options{Version: v21})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestValuesThatJSONCannotHoldFail(t *testing.T) {
	endless := map[string]any{}
	endless["self"] = endless
	ring := &tree{}
	ring.Children = []*tree{ring}
	type twice struct {
		A int `json:"a" until:"2.9"`
		B int `as:"a" since:"2.9"`
	}
	for name, v := range map[string]any{
		"not a number": math.NaN(), "a channel": make(chan int), "a map in itself": endless,
		"a ring": ring, "two fields of one name": twice{}, "broken raw message": json.RawMessage(`{`),
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := microversion.Append(nil, v, microversion.Options{Version: v29}); err == nil {
				t.Errorf("encoded as %.80s", out)
			}
		})
	}
}

func TestOnlyTheWantedMembersAreWritten(t *testing.T) {
	list := []flavorCopy{{VCPUs: 1}, {VCPUs: 2}}
	o := microversion.Options{Version: microversion.MustParse("2.60"), Only: []string{"vcpus"}}
	body := microversion.Object{{"flavors", list}, {"links", []flavorLink{{"x"}}}}
	want := `{"flavors":[{"vcpus":1},{"vcpus":2}],"links":[{"id":"x"}]}`
	if diff := cmp.Diff(want, encode(t, body, o)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(`{"vcpus":1}`, encode(t, map[string]any{"vcpus": 1, "name": "a"}, o)); diff != "" {
		t.Error(diff)
	}
}

func TestStringsMatchTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "s"))
		var want strings.Builder
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(s); err != nil {
			t.Fatal(err)
		}
		got, err := microversion.Append(nil, s, microversion.Options{})
		if err != nil || string(got) != strings.TrimSuffix(want.String(), "\n") {
			t.Fatalf("%q is %s, want %s (%v)", s, got, want.String(), err)
		}
	})
}
