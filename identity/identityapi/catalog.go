package identityapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/maypok86/otter/v2"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// region is the one region of a cloud.
const region = "RegionOne"

// interfaces are the ways to an endpoint. Here all of them are the same way.
var interfaces = []string{"public", "internal", "admin"}

func (a *api) catalogRoutes() []rest.Route {
	return []rest.Route{
		rest.GET("/v3/auth/catalog", a.myCatalog),
		rest.GET("/v3/services", a.services),
		rest.GET("/v3/services/{id}", a.service),
		rest.GET("/v3/endpoints", a.endpoints),
		rest.GET("/v3/endpoints/{id}", a.endpoint),
		rest.GET("/v3/regions", a.regions),
		rest.GET("/v3/regions/{id}", a.region),
	}
}

type service struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	Name      string     `json:"name"`
	Endpoints []endpoint `json:"endpoints"`
}

type endpoint struct {
	ID        string `json:"id"`
	Interface string `json:"interface"`
	Region    string `json:"region"`
	RegionID  string `json:"region_id"`
	URL       string `json:"url"`
}

// idOf makes the same id of the same words in every process.
func idOf(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// A view is what a catalog depends on: where the client reached us, and for
// which project.
type view struct{ base, project string }

// newCatalogs keeps those that clients asked for lately, as JSON: one comes with
// every token.
func newCatalogs() *otter.Cache[view, json.RawMessage] {
	return otter.Must(&otter.Options[view, json.RawMessage]{MaximumSize: 512})
}

// catalogFor returns the services as a project sees them. Without a project
// those that have one in their address are left out.
func (a *api) catalogFor(r *rest.Request, project string) (json.RawMessage, error) {
	v := view{r.URL(""), project}
	if known, ok := a.catalogs.GetIfPresent(v); ok {
		return known, nil
	}
	out := []service{}
	for _, e := range r.Endpoints() {
		if project != "" || !strings.Contains(e.URL, "%(project_id)s") {
			out = append(out, serviceOf(e, strings.ReplaceAll(e.URL, "%(project_id)s", project)))
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fault.Internal.Wrap(err, "catalog")
	}
	a.catalogs.Set(v, text)
	return text, nil
}

func serviceOf(e rest.Endpoint, url string) service {
	s := service{ID: idOf(e.Type, e.Name), Type: e.Type, Name: e.Name}
	for _, i := range interfaces {
		s.Endpoints = append(s.Endpoints, endpoint{
			ID: idOf(e.Type, e.Name, i), Interface: i, Region: region, RegionID: region, URL: url,
		})
	}
	return s
}

func (a *api) myCatalog(r *rest.Request) (rest.Response, error) {
	c := identity.CallerOf(r.Context())
	if len(c.Roles) == 0 {
		return rest.Response{}, fault.Forbidden.Errorf("a token for nothing has no catalog: ask for one for a project")
	}
	catalog, err := a.catalogFor(r, c.ProjectID)
	return unpaged(r, "catalog", catalog), err
}

// all returns the services with project_id left in their addresses.
func all(r *rest.Request) []service {
	var out []service
	for _, e := range r.Endpoints() {
		out = append(out, serviceOf(e, e.URL))
	}
	return out
}

func serviceBody(r *rest.Request, s service) object {
	return object{"id": s.ID, "type": s.Type, "name": s.Name, "enabled": true, "links": self(r, "/v3/services", s.ID)}
}

func (a *api) services(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	kind, name := q.String("type"), q.String("name")
	out := []object{}
	for _, s := range all(r) {
		if (kind == "" || kind == s.Type) && (name == "" || name == s.Name) {
			out = append(out, serviceBody(r, s))
		}
	}
	return unpaged(r, "services", out), q.Err()
}

func (a *api) service(r *rest.Request) (rest.Response, error) {
	for _, s := range all(r) {
		if s.ID == r.Param("id") {
			return rest.ReplyUnder("service", serviceBody(r, s)), nil
		}
	}
	return rest.Response{}, fault.NotFound.Errorf("service %s", r.Param("id"))
}

func endpointBody(r *rest.Request, s service, e endpoint) object {
	return object{
		"id": e.ID, "service_id": s.ID, "interface": e.Interface, "region": e.Region, "region_id": e.RegionID,
		"url": e.URL, "enabled": true, "links": self(r, "/v3/endpoints", e.ID),
	}
}

func (a *api) endpoints(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	id, kind := q.String("service_id"), q.String("interface")
	out := []object{}
	if in := q.String("region_id"); in == "" || in == region {
		for _, s := range all(r) {
			for _, e := range s.Endpoints {
				if (id == "" || id == s.ID) && (kind == "" || kind == e.Interface) {
					out = append(out, endpointBody(r, s, e))
				}
			}
		}
	}
	return unpaged(r, "endpoints", out), q.Err()
}

func (a *api) endpoint(r *rest.Request) (rest.Response, error) {
	for _, s := range all(r) {
		for i := range s.Endpoints {
			if s.Endpoints[i].ID == r.Param("id") {
				return rest.ReplyUnder("endpoint", endpointBody(r, s, s.Endpoints[i])), nil
			}
		}
	}
	return rest.Response{}, fault.NotFound.Errorf("endpoint %s", r.Param("id"))
}

func regionBody(r *rest.Request) object {
	return object{"id": region, "description": "", "parent_region_id": nil, "links": self(r, "/v3/regions", region)}
}

func (a *api) regions(r *rest.Request) (rest.Response, error) {
	out := []object{}
	if r.Query().String("parent_region_id") == "" {
		out = append(out, regionBody(r))
	}
	return unpaged(r, "regions", out), nil
}

func (a *api) region(r *rest.Request) (rest.Response, error) {
	if r.Param("id") != region {
		return rest.Response{}, fault.NotFound.Errorf("region %s", r.Param("id"))
	}
	return rest.ReplyUnder("region", regionBody(r)), nil
}
