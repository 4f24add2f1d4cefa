package rest

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// JSON returns a Handler that decodes the whole body into a T, at the request's
// microversion, before it calls f. It panics when T's tags contradict each other.
func JSON[T any](f func(r *Request, in T) (Response, error)) Handler {
	microversion.MustCheck[T]()
	return func(r *Request) (Response, error) {
		var in T
		body, err := r.json()
		if err != nil {
			return Response{}, err
		}
		if err := microversion.Decode(body, &in, r.decodeOptions("")); err != nil {
			return Response{}, err
		}
		return f(r, in)
	}
}

// JSONUnder is JSON for bodies that hold one object under a key, such as
// {"server": {…}}: in is that object, and it must be there.
func JSONUnder[T any](key string, f func(r *Request, in T) (Response, error)) Handler {
	microversion.MustCheck[T]()
	return func(r *Request) (Response, error) {
		var in T
		body, err := r.json()
		if err != nil {
			return Response{}, err
		}
		if err := microversion.Decode(body, &in, r.decodeOptions(key)); err != nil {
			return Response{}, err
		}
		return f(r, in)
	}
}

// decodeOptions says how strictly this request's body is read.
func (r *Request) decodeOptions(key string) microversion.Options {
	return microversion.Options{Version: r.version, Strict: r.route.strict, Key: key}
}

// json returns the request's JSON body, or the part of it that belongs to an action.
func (r *Request) json() ([]byte, error) {
	if r.payload != nil {
		return r.payload, nil
	}
	if err := r.acceptsType(); err != nil {
		return nil, err
	}
	body, err := r.readAll()
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return nil, fault.Invalid.Errorf("the request has no body; send a JSON object")
	}
	return body, nil
}

// acceptsType refuses a body that says it is something else than JSON.
func (r *Request) acceptsType() error {
	header := r.Header("Content-Type")
	if header == "" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(header)
	if err == nil && (kind == "application/json" || slices.Contains(r.route.types, kind)) {
		return nil
	}
	return WithStatus(http.StatusUnsupportedMediaType,
		fault.Invalid.Errorf("content type %q is not supported; send application/json", header))
}

// Action returns the handler of one name in an Actions table. Of a Route's
// settings only Since, Until, Status and Strict apply to it.
func Action(name string, h Handler) Route {
	r := Handle(http.MethodPost, "", h)
	r.action = name
	return r
}

// Actions returns the Route for POST bodies of one member, {"os-start": null},
// whose name chooses the handler and whose value is the handler's JSON body. An
// unknown name is fault.Invalid, a name outside its versions 404.
func Actions(path string, actions ...Route) Route {
	table := map[string][]Route{}
	var failed error
	for _, a := range actions {
		a.path = path
		a, err := a.check()
		if err != nil && failed == nil {
			failed = err
		}
		table[a.action] = append(table[a.action], a)
	}
	r := POST(path, func(r *Request) (Response, error) { return act(r, table) })
	r.broken = failed
	return r
}

func act(r *Request, table map[string][]Route) (Response, error) {
	body, err := r.json()
	if err != nil {
		return Response{}, err
	}
	name, value, err := microversion.OnlyMember(body)
	if err != nil {
		return Response{}, err
	}
	candidates, ok := table[name]
	if !ok {
		return Response{}, fault.Invalid.Errorf("there is no action %q; this takes %s", name, names(table))
	}
	a, ok := pick(candidates, r.version)
	if !ok {
		return Response{}, fault.NotFound.Errorf("action %s is not part of version %s", name, r.version)
	}
	route := *a // of this request alone
	if route.status == 0 {
		route.status = r.route.status
	}
	route.access, route.limit = r.route.access, r.route.limit
	r.route, r.payload = &route, json.RawMessage(value)
	r.exchange.action = name
	return route.handler(r)
}

// pick returns the route that lives at version v.
func pick(routes []Route, v Version) (*Route, bool) {
	for i := range routes {
		if routes[i].versions.Contains(v) {
			return &routes[i], true
		}
	}
	return nil, false
}

func names(table map[string][]Route) string {
	list := make([]string, 0, len(table))
	for name := range table {
		list = append(list, name)
	}
	slices.Sort(list)
	return fmt.Sprintf("one of %s", strings.Join(list, ", "))
}
