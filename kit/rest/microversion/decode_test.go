package microversion_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

type input struct {
	Name     string                        `json:"name" required:"true" min:"1" max:"10"`
	Count    int                           `json:"count" min:"0" max:"9" loose:"true"`
	Force    *bool                         `json:"force" loose:"true"`
	Mode     string                        `json:"mode" enum:"auto,manual"`
	Tags     []string                      `json:"tags" since:"2.9" max:"2"`
	Legacy   string                        `json:"legacy" until:"2.8"`
	Nets     []net                         `json:"nets"`
	Labels   map[string]string             `json:"labels"`
	Note     microversion.Optional[string] `json:"note" max:"3"`
	When     time.Time                     `json:"when"`
	Hints    map[string]any                `json:"hints"`
	Raw      json.RawMessage               `json:"raw"`
	Share    float64                       `json:"share"`
	Size     uint8                         `json:"size"`
	*deeper                                // unexported pointers are left alone
	Exported `json:""`
}

type deeper struct{ Hidden string }

// Exported is embedded.
type Exported struct {
	Inner string `json:"inner"`
}

type net struct {
	UUID string   `json:"uuid"`
	_    struct{} `strict:"true"`
}

func decodeInput(body string, o microversion.Options) (input, error) {
	var in input
	err := microversion.Decode([]byte(body), &in, o)
	return in, err
}

func TestBodiesAreRead(t *testing.T) {
	yes := true
	tests := []struct {
		name, body string
		want       input
	}{
		{"plain", ` {"name" : "a" , "count":3} `, input{Name: "a", Count: 3}},
		{"loose numbers and booleans", `{"name":"a","count":"3","force":"True"}`, input{Name: "a", Count: 3, Force: &yes}},
		{"escapes", `{"name":"\u00e9\ud83d\ude00\n\/\ud83d"}`, input{Name: "é😀\n/\ufffd"}},
		{
			"lists and maps", `{"name":"a","nets":[{"uuid":"1"},{"uuid":"2"}],"labels":{"k":"v"},"tags":[]}`,
			input{Name: "a", Nets: []net{{UUID: "1"}, {UUID: "2"}}, Labels: map[string]string{"k": "v"}, Tags: []string{}},
		},
		{
			"null for what may be", `{"name":"a","force":null,"nets":null,"note":null}`,
			input{Name: "a", Note: microversion.Optional[string]{Given: true, Null: true}},
		},
		{"optional", `{"name":"a","note":"x"}`, input{Name: "a", Note: microversion.Of("x")}},
		{"times", `{"name":"a","when":"2026-01-02T03:04:05"}`, input{Name: "a", When: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}},
		{
			"free form", `{"name":"a","hints":{"x":[1,true,null,"s",{}]},"raw":{"b": 1}}`,
			input{Name: "a", Hints: map[string]any{"x": []any{1.0, true, nil, "s", map[string]any{}}}, Raw: json.RawMessage(`{"b": 1}`)},
		},
		{"embedded", `{"name":"a","inner":"i"}`, input{Name: "a", Exported: Exported{"i"}}},
		{"the last of two wins", `{"name":"b","name":"a"}`, input{Name: "a"}},
		{"numbers", `{"name":"a","share":-1.5e3,"size":255}`, input{Name: "a", Share: -1500, Size: 255}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, strict := range []bool{true, false} {
				got, err := decodeInput(tt.body, microversion.Options{Version: v29, Strict: strict})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(input{}), cmp.Comparer(func(a, b net) bool { return a.UUID == b.UUID })); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestBadBodiesAreInvalidAndSayWhere(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 100000)
	tests := []struct{ name, body, says string }{
		{"empty", ``, "the text ends"},
		{"cut", `{"name":"a"`, "the text ends"},
		{"trailing garbage", `{"name":"a"} x`, "something follows"},
		{"two values", `{"name":"a"}{}`, "something follows"},
		{"trailing comma", `{"name":"a",}`, "name of a member"},
		{"no quotes", `{name:"a"}`, "name of a member"},
		{"single quotes", `{'name':'a'}`, "name of a member"},
		{"a list", `[]`, "the body: expected an object, got a list"},
		{"wrong type", `{"name":1}`, "name: expected a string, got a number"},
		{"wrong element", `{"name":"a","nets":[{"uuid":"1"},{"uuid":{}}]}`, "nets[1].uuid: expected a string, got an object"},
		{"wrong map value", `{"name":"a","labels":{"k":1}}`, "labels.k: expected a string, got a number"},
		{"a fraction", `{"name":"a","count":1.5}`, "count: expected an integer"},
		{"too big", `{"name":"a","size":256}`, "size: expected an integer of 8 bits"},
		{"huge", `{"name":"a","share":1e999}`, "share: 1e999 does not fit"},
		{"not loose enough", `{"name":"a","count":"3 or 4"}`, "count:"},
		{"leading zeros", `{"name":"a","count":007}`, "expected a number"},
		{"missing", `{}`, "name: is required"},
		{"too short", `{"name":""}`, "name: 0 characters is below the minimum of 1"},
		{"too long", `{"name":"éééééééééé+"}`, "name: 11 characters is above the maximum of 10"},
		{"too many", `{"name":"a","tags":["1","2","3"]}`, "tags: 3 items is above the maximum of 2"},
		{"optional too long", `{"name":"a","note":"four"}`, "note: 4 characters"},
		{"out of range", `{"name":"a","count":10}`, "count: 10 is above the maximum of 9"},
		{"not listed", `{"name":"a","mode":"other"}`, `mode: "other" is not one of auto, manual`},
		{"null", `{"name":null}`, "name: expected a string, got null"},
		{"unknown", `{"name":"a","x":1}`, "x: is not known here"},
		{"case matters", `{"Name":"a"}`, "Name: is not known here"},
		{"gone", `{"name":"a","legacy":"x"}`, "legacy: is gone since version 2.8"},
		{"unknown in a strict struct", `{"name":"a","nets":[{"x":1}]}`, "nets[0].x: is not known here"},
		{"NUL", `{"name":"a\u0000"}`, "NUL"},
		{"control character", "{\"name\":\"a\nb\"}", "control character"},
		{"not UTF-8", "{\"name\":\"\xff\"}", "not UTF-8"},
		{"not UTF-8 after an escape", "{\"name\":\"\\n\xff\"}", "not UTF-8"},
		{"bad escape", `{"name":"\x"}`, "unknown escape"},
		{"short escape", `{"name":"\u12"}`, "hexadecimal"},
		{"not a time", `{"name":"a","when":"soon"}`, "when: \"soon\" is not a time"},
		{"nested bomb", deep, "more than 100 levels"},
		{"list bomb", `{"hints":{"a":` + strings.Repeat("[", 100000), "more than 100 levels"},
		{"raw bomb", `{"raw":` + strings.Repeat("[", 100000), "more than 100 levels"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decodeInput(tt.body, microversion.Options{Version: v29, Strict: !strings.Contains(tt.name, "bomb")})
			if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error is %v, want an invalid request that says %q", err, tt.says)
			}
		})
	}
}

func TestStrictnessIsAChoice(t *testing.T) {
	in, err := decodeInput(`{"name":"a","x":{"y":[1]},"legacy":"l","count":null}`, microversion.Options{Version: v29})
	if err != nil || in.Name != "a" || in.Legacy != "" {
		t.Errorf("got %+v, %v", in, err)
	}
	in, err = decodeInput(`{"name":"a","legacy":"l"}`, microversion.Options{Version: v21, Strict: true})
	if err != nil || in.Legacy != "l" {
		t.Errorf("got %+v, %v", in, err)
	}
	_, err = decodeInput(`{"name":"a","tags":[]}`, microversion.Options{Version: v21, Strict: true})
	if err == nil || !strings.Contains(err.Error(), "tags: needs version 2.9; the request is of version 2.1") {
		t.Errorf("an early field: %v", err)
	}
	_, err = decodeInput(`{"name":"a","nets":[{"x":1}]}`, microversion.Options{Version: v29})
	if err == nil {
		t.Error("a strict struct took an unknown member")
	}
}

func TestOneObjectUnderAKey(t *testing.T) {
	tests := []struct{ name, body, says string }{
		{"there", `{"other":{"a":[1]},"thing":{"name":"a"}}`, ""},
		{"missing", `{"other":{}}`, "needs a member thing"},
		{"null", `{"thing":null}`, "thing: must not be null"},
		{"not an object", `{"thing":[]}`, "thing: expected an object"},
		{"wrong inside", `{"thing":{"name":1}}`, "thing.name: expected a string"},
		{"no object at all", `"thing"`, "expected an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decodeInput(tt.body, microversion.Options{Version: v29, Key: "thing"})
			if (err == nil) != (tt.says == "") || (err != nil && !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("error is %v, want %q", err, tt.says)
			}
		})
	}
	if _, err := decodeInput(`{"thing":{"name":"a"},"other":1}`, microversion.Options{Version: v29, Key: "thing", Strict: true}); err == nil {
		t.Error("a strict reading took another member")
	}
}

func TestAnActionIsTheOnlyMember(t *testing.T) {
	name, value, err := microversion.OnlyMember([]byte(` {"os-start" : {"a": null} } `))
	if name != "os-start" || string(value) != `{"a": null}` || err != nil {
		t.Errorf("got %q, %s, %v", name, value, err)
	}
	for _, body := range []string{`{}`, `{"a":1,"b":2}`, `[]`, `{"a":1}x`, `{"a":}`, ``} {
		if _, _, err := microversion.OnlyMember([]byte(body)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestTagsAreChecked(t *testing.T) {
	type badVersion struct {
		A int `json:"a" since:"two"`
	}
	type overlap struct {
		A int `json:"a" until:"2.9"`
		B int `as:"a" since:"2.9"`
	}
	type fine struct {
		A int `json:"a" until:"2.8"`
		B int `as:"a" since:"2.9"`
	}
	if microversion.Check[badVersion]() == nil || microversion.Check[struct{ X []overlap }]() == nil {
		t.Error("bad tags pass")
	}
	if err := microversion.Check[map[string]*fine](); err != nil {
		t.Error(err)
	}
}

// Whatever encoding/json accepts we accept, with the same meaning, but for text
// that is refused on purpose; whatever it refuses we refuse.
func TestReadingAgreesWithTheStandardLibrary(t *testing.T) {
	pieces := []string{`{`, `}`, `[`, `]`, `,`, `:`, `"a"`, `"\u00e9"`, `"\n"`, `1`, `-0`, `1.5`, `1e3`, `01`, `-`, `true`, `fals`, `false`, `null`, ` `}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12).Draw(t, "pieces"), "")
		var want, got any
		wantErr := json.Unmarshal([]byte(text), &want)
		gotErr := microversion.Decode([]byte(text), &got, microversion.Options{})
		if (wantErr == nil) != (gotErr == nil) {
			t.Fatalf("%q: error is %v, the standard library says %v", text, gotErr, wantErr)
		}
		if diff := cmp.Diff(want, got); wantErr == nil && diff != "" {
			t.Fatalf("%q: %s", text, diff)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"name":"a","nets":[{"uuid":"1"}],"labels":{"k":"v"}}`)
	f.Add(`{"name":"\ud83d\ude00","raw":[1,{"a":null}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		_, err := decodeInput(body, microversion.Options{Version: v29})
		if err == nil && !json.Valid([]byte(body)) {
			t.Errorf("accepted %q", body)
		}
	})
}
