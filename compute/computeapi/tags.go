package computeapi

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// Limits of tags.
const (
	maxTags = 50
	maxTag  = 60 // characters
)

func checkTags(tags []string) error {
	if len(tags) > maxTags {
		return fault.Invalid.Errorf("a server has at most %d tags, not %d", maxTags, len(tags))
	}
	for _, tag := range tags {
		if n := utf8.RuneCountInString(tag); n == 0 || n > maxTag || strings.ContainsAny(tag, ",/") {
			return fault.Invalid.Errorf("tag %.80q: it has from 1 to %d characters and neither comma nor slash", tag, maxTag)
		}
	}
	return nil
}

type tagsIn struct {
	Tags []string `json:"tags" required:"true"`
}

func (a *api) listTags(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	return rest.ReplyUnder("tags", s.Tags), err
}

func (a *api) replaceTags(r *rest.Request, in tagsIn) (rest.Response, error) {
	s, err := a.patchTags(r, compute.Patch{Tags: append([]string{}, in.Tags...)}) // nil would change nothing
	return rest.ReplyUnder("tags", s.Tags), err
}

func (a *api) deleteTags(r *rest.Request) (rest.Response, error) {
	_, err := a.patchTags(r, compute.Patch{Tags: []string{}})
	return rest.Empty(), err
}

func (a *api) checkTag(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	if err == nil && !slices.Contains(s.Tags, r.Param("tag")) {
		err = fault.NotFound.Errorf("server %s has no tag %q", s.ID, r.Param("tag"))
	}
	return rest.Empty().Status(http.StatusNoContent), err
}

func (a *api) addTag(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	tag, status := r.Param("tag"), http.StatusNoContent
	if !slices.Contains(s.Tags, tag) {
		status = http.StatusCreated
		_, err = a.patchTags(r, compute.Patch{AddTags: []string{tag}})
	}
	return rest.Empty().Status(status).Location(r.URL("/v2.1/servers", string(s.ID), "tags", tag)), err
}

func (a *api) deleteTag(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	tag := r.Param("tag")
	if !slices.Contains(s.Tags, tag) {
		return rest.Response{}, fault.NotFound.Errorf("server %s has no tag %q", s.ID, tag)
	}
	_, err = a.patchTags(r, compute.Patch{RemoveTags: []string{tag}})
	return rest.Empty(), err
}

func (a *api) patchTags(r *rest.Request, p compute.Patch) (compute.Server, error) {
	if err := checkTags(append(slices.Clone(p.Tags), p.AddTags...)); err != nil {
		return compute.Server{}, err
	}
	p.ID = compute.ServerID(r.Param("id"))
	return a.UpdateServer(r.Context(), p)
}
