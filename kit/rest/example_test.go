package rest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

// A boat is what the wire says about one; tags gives the versions of its fields.
type boat struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Moored  bool              `json:"moored" since:"2.9"`
	Crew    *string           `json:"crew" since:"2.19"`
	Created time.Time         `json:"created" time:"z"`
	Labels  map[string]string `json:"labels" until:"2.25"`
	Links   []rest.Link       `json:"links"`
}

type boatCreate struct {
	Name string  `json:"name" required:"true" min:"1" max:"255"`
	Crew *string `json:"crew" since:"2.19"`
}

type boatMoor struct {
	Pier int `json:"pier" required:"true"`
}

// harbour is a whole face: its routes as a table, and handlers that decode,
// call a service (here a map) and encode.
type harbour struct{ boats map[string]boat }

func (a *harbour) face() rest.Face {
	boats := rest.Paging{ZeroIsNone: true, Keys: map[string]string{"name": "name"}, Links: rest.NextLink}
	return rest.Face{
		Name:     "harbour",
		Prefix:   "/harbour",
		Services: []rest.Service{{Type: "harbour", Name: "quay", Path: "/v2.1"}},
		Dialect:  dialect.Keyed,
		Statuses: map[error]int{fault.OverQuota: http.StatusForbidden},
		Microversions: &rest.Microversions{
			Min: "2.1", Max: "2.93", Service: "harbour", Header: "X-Quay-API-Version",
		},
		RequestIDHeaders: []string{"X-Harbour-Request-Id"},
		Documents: []rest.Document{{
			Path: "/v2.1",
			Body: map[string]any{"version": map[string]any{
				"id": "v2.1", "links": []rest.Link{{Rel: "self", Href: "{base}/v2.1/"}},
			}},
		}},
		Aliases: map[string][]string{"/v2.1": {"/v2.1/{project_id}"}},
		Routes: []rest.Route{
			rest.GET("/v2.1/boats", func(r *rest.Request) (rest.Response, error) { return a.list(r, boats) }),
			rest.GET("/v2.1/boats/{id}", a.show),
			rest.POST("/v2.1/boats", rest.JSONUnder("boat", a.create)).Status(202).Strict(),
			rest.DELETE("/v2.1/boats/{id}", a.sink).Until("2.1").Status(202),
			rest.DELETE("/v2.1/boats/{id}", a.sink).Since("2.2"),
			rest.GET("/v2.1/os-lighthouses", a.list0).Until("2.35"),
			rest.Actions("/v2.1/boats/{id}/action",
				rest.Action("unmoor", a.unmoor),
				rest.Action("moor", rest.JSON(a.moor)).Since("2.9").Strict(),
			).Status(202),
		},
	}
}

func (a *harbour) list(r *rest.Request, paging rest.Paging) (rest.Response, error) {
	q := r.Query()
	name, asked := q.String("name"), q.Page(paging)
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	var items []boat
	for _, b := range a.boats {
		if name == "" || b.Name == name {
			items = append(items, b)
		}
	}
	return rest.ReplyPage(r, "boats", page.Cut(asked, items, func(b boat) string { return b.ID })), nil
}

func (a *harbour) list0(*rest.Request) (rest.Response, error) {
	return rest.ReplyUnder("lighthouses", []string{}), nil
}

func (a *harbour) show(r *rest.Request) (rest.Response, error) {
	b, ok := a.boats[r.Param("id")]
	if !ok {
		return rest.Response{}, fault.NotFound.Errorf("boat %s could not be found", r.Param("id"))
	}
	b.Links = []rest.Link{{Rel: "self", Href: r.URL("/v2.1/boats", b.ID)}}
	return rest.ReplyUnder("boat", b), nil
}

func (a *harbour) create(r *rest.Request, in boatCreate) (rest.Response, error) {
	b := boat{ID: "b2", Name: in.Name, Crew: in.Crew, Created: time.Unix(0, 0)}
	a.boats[b.ID] = b
	return rest.ReplyUnder("boat", b).Location(r.URL("/v2.1/boats", b.ID)), nil
}

func (a *harbour) sink(r *rest.Request) (rest.Response, error) {
	delete(a.boats, r.Param("id"))
	return rest.Empty(), nil
}

func (a *harbour) unmoor(*rest.Request) (rest.Response, error) { return rest.Empty(), nil }

func (a *harbour) moor(r *rest.Request, in boatMoor) (rest.Response, error) {
	if in.Pier < 0 {
		return rest.Response{}, fault.Conflict.Errorf("pier %d is under water", in.Pier)
	}
	return rest.Empty(), nil
}

// anyToken stands for identity.
func anyToken(ctx context.Context, token string) (context.Context, error) {
	if token != "good" {
		return nil, fault.Unauthenticated.Errorf("the token is not valid")
	}
	return ctx, nil
}

func Example() {
	face := (&harbour{boats: map[string]boat{"b1": {ID: "b1", Name: "Nacre", Created: time.Unix(0, 0)}}}).face()
	server, err := rest.New(rest.Params{
		Config:        rest.Config{Public: "https://cloud.example.org"},
		Faces:         []rest.Face{face},
		Authenticator: rest.AuthenticatorFunc(anyToken),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	call := func(method, path, version, body string) {
		r := httptest.NewRequest(method, "/harbour"+path, strings.NewReader(body))
		r.Header.Set("X-Auth-Token", "good")
		r.Header.Set("OpenStack-API-Version", "harbour "+version)
		w := httptest.NewRecorder()
		server.Handler().ServeHTTP(w, r)
		reply, _ := io.ReadAll(w.Body)
		fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", string(reply))))
	}
	call("GET", "/v2.1/boats/b1", "2.1", "")
	call("GET", "/v2.1/boats/b1", "2.26", "")
	call("POST", "/v2.1/boats", "2.1", `{"boat":{"name":"Tern","crew":"two"}}`)
	call("POST", "/v2.1/boats", "2.19", `{"boat":{"name":"Tern","crew":"two"}}`)
	call("POST", "/v2.1/boats/b1/action", "2.9", `{"moor":{"pier":3}}`)
	call("POST", "/v2.1/boats/b1/action", "2.8", `{"moor":{"pier":3}}`)
	call("GET", "/v2.1/os-lighthouses", "2.36", "")
	// Output:
	// 200 {"boat":{"id":"b1","name":"Nacre","created":"1970-01-01T00:00:00Z","labels":{},"links":[{"rel":"self","href":"https://cloud.example.org/harbour/v2.1/boats/b1"}]}}
	// 200 {"boat":{"id":"b1","name":"Nacre","moored":false,"crew":null,"created":"1970-01-01T00:00:00Z","links":[{"rel":"self","href":"https://cloud.example.org/harbour/v2.1/boats/b1"}]}}
	// 400 {"badRequest":{"code":400,"message":"boat.crew: needs version 2.19; the request is of version 2.1"}}
	// 202 {"boat":{"id":"b2","name":"Tern","moored":false,"crew":"two","created":"1970-01-01T00:00:00Z","labels":{},"links":[]}}
	// 202
	// 404 {"itemNotFound":{"code":404,"message":"action moor is not part of version 2.8"}}
	// 404 {"itemNotFound":{"code":404,"message":"this call is not part of version 2.36"}}
}
