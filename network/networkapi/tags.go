package networkapi

import (
	"net/http"
	"slices"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

func (a *api) tagRoutes() []rest.Route {
	var routes []rest.Route
	for _, kind := range []string{"networks", "subnets", "subnetpools", "ports", "routers", "floatingips", "security-groups"} {
		path := root + "/" + kind + "/{id}/tags"
		t := tagger{a, kind}
		routes = append(routes,
			rest.GET(path, t.list),
			rest.PUT(path, rest.JSON(t.replace)),
			rest.DELETE(path, t.clear),
			rest.GET(path+"/{tag}", t.check).Status(http.StatusNoContent),
			rest.PUT(path+"/{tag}", t.add).Status(http.StatusCreated),
			rest.DELETE(path+"/{tag}", t.remove),
		)
	}
	return routes
}

// A tagger answers about the tags of one kind of thing.
type tagger struct {
	*api
	kind string
}

func (t tagger) thing(r *rest.Request, tags ...string) network.Tagged {
	return network.Tagged{Kind: t.kind, ID: r.Param("id"), Tags: tags}
}

func (t tagger) list(r *rest.Request) (rest.Response, error) {
	tags, err := t.networks.Tags(r.Context(), t.thing(r))
	return rest.ReplyUnder("tags", tags), err
}

func (t tagger) replace(r *rest.Request, in struct {
	Tags []string `json:"tags" required:"true"`
},
) (rest.Response, error) {
	tags, err := t.networks.SetTags(r.Context(), t.thing(r, in.Tags...))
	return rest.ReplyUnder("tags", tags), err
}

func (t tagger) clear(r *rest.Request) (rest.Response, error) {
	_, err := t.networks.SetTags(r.Context(), t.thing(r))
	return rest.Empty(), err
}

// has demands that the thing has the tag of the path.
func (t tagger) has(r *rest.Request) error {
	tags, err := t.networks.Tags(r.Context(), t.thing(r))
	if err == nil && !slices.Contains(tags, r.Param("tag")) {
		err = fault.NotFound.Errorf("tag %s could not be found", r.Param("tag"))
	}
	return err
}

func (t tagger) check(r *rest.Request) (rest.Response, error) { return rest.Empty(), t.has(r) }

func (t tagger) change(r *rest.Request, p network.TagPatch) (rest.Response, error) {
	p.Kind, p.ID = t.kind, r.Param("id")
	_, err := t.networks.ChangeTags(r.Context(), p)
	return rest.Empty(), err
}

func (t tagger) add(r *rest.Request) (rest.Response, error) {
	return t.change(r, network.TagPatch{Add: []string{r.Param("tag")}})
}

func (t tagger) remove(r *rest.Request) (rest.Response, error) {
	if err := t.has(r); err != nil {
		return rest.Response{}, err
	}
	return t.change(r, network.TagPatch{Remove: []string{r.Param("tag")}})
}
