package identityapi

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

func (a *api) projectRoutes() []rest.Route {
	return []rest.Route{
		rest.POST("/v3/projects", rest.JSONUnder("project", a.createProject)).Status(http.StatusCreated),
		rest.GET("/v3/projects", a.projects),
		rest.GET("/v3/projects/{id}", a.project),
		rest.PATCH("/v3/projects/{id}", rest.JSONUnder("project", a.updateProject)),
		rest.DELETE("/v3/projects/{id}", a.deleteProject),
		rest.GET("/v3/projects/{id}/tags", a.tags),
		rest.PUT("/v3/projects/{id}/tags", rest.JSON(a.setTags)),
		rest.DELETE("/v3/projects/{id}/tags", a.clearTags),
		rest.GET("/v3/projects/{id}/tags/{tag}", a.tag),
		rest.PUT("/v3/projects/{id}/tags/{tag}", a.addTag).Status(http.StatusCreated),
		rest.DELETE("/v3/projects/{id}/tags/{tag}", a.removeTag),
	}
}

var asProject = kind[identity.Project]{"project", "projects", projectBody}

func projectBody(r *rest.Request, p identity.Project) object {
	return object{
		"id": p.ID, "name": p.Name, "domain_id": p.DomainID, "description": p.Description, "enabled": p.Enabled,
		"parent_id": cmp.Or(string(p.ParentID), string(p.DomainID)), "is_domain": false, "tags": p.Tags,
		"options": object{}, "links": self(r, "/v3/projects", string(p.ID)),
	}.with(p.Extra)
}

func (a *api) createProject(r *rest.Request, in object) (rest.Response, error) {
	f := read(in)
	s := identity.ProjectSpec{
		DomainID: identity.DomainID(f.text("domain_id")), ParentID: identity.ProjectID(f.text("parent_id")),
		Name: f.text("name"), Description: f.text("description"), Disabled: disabled(f.flag("enabled")),
	}
	if tags := f.texts("tags"); tags != nil {
		s.Tags = *tags
	}
	if is := f.flag("is_domain"); is != nil && *is {
		f.fail("a project cannot act as a domain: create a domain")
	}
	if s.Extra = f.extra(); f.err() != nil {
		return rest.Response{}, f.err()
	}
	p, err := a.CreateProject(r.Context(), s)
	return asProject.reply(r, p, err)
}

func (a *api) projects(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	query := identity.ProjectQuery{
		Query: q.Page(paging), DomainID: identity.DomainID(q.String("domain_id")), Name: q.String("name"), Enabled: enabled(q),
		ParentID: identity.ProjectID(q.String("parent_id")),
		Tags:     identity.TagQuery{All: q.List("tags"), Any: q.List("tags-any"), NotAll: q.List("not-tags"), None: q.List("not-tags-any")},
	}
	if q.Bool("is_domain", false) {
		query.IDs = []identity.ProjectID{} // domains are not projects here
	}
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	found, err := a.Projects(r.Context(), query)
	return asProject.page(r, found, err)
}

func (a *api) project(r *rest.Request) (rest.Response, error) {
	p, err := a.load(r)
	return asProject.reply(r, p, err)
}

func (a *api) load(r *rest.Request) (identity.Project, error) {
	return a.Project(r.Context(), identity.ProjectID(r.Param("id")))
}

func (a *api) updateProject(r *rest.Request, in object) (rest.Response, error) {
	f := read(in)
	p := identity.ProjectPatch{
		ID: identity.ProjectID(r.Param("id")), Name: f.change("name"), Description: f.change("description"),
		Enabled: f.flag("enabled"), Tags: f.texts("tags"),
	}
	for _, name := range []string{"domain_id", "parent_id", "is_domain"} {
		f.take(name) // cannot change; clients send them back as they were
	}
	if p.Extra = f.extra(); f.err() != nil {
		return rest.Response{}, f.err()
	}
	project, err := a.UpdateProject(r.Context(), p)
	return asProject.reply(r, project, err)
}

func (a *api) deleteProject(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.DeleteProject(r.Context(), identity.ProjectID(r.Param("id")))
}

func (a *api) tags(r *rest.Request) (rest.Response, error) {
	p, err := a.load(r)
	return rest.ReplyUnder("tags", p.Tags).And("links", self(r, "/v3/projects", string(p.ID), "tags")), err
}

// retag stores the tags of the project in the path.
func (a *api) retag(r *rest.Request, tags []string) (identity.Project, error) {
	return a.UpdateProject(r.Context(), identity.ProjectPatch{ID: identity.ProjectID(r.Param("id")), Tags: &tags})
}

type tagList struct {
	Tags []string `json:"tags" required:"true"`
}

func (a *api) setTags(r *rest.Request, in tagList) (rest.Response, error) {
	p, err := a.retag(r, in.Tags)
	return rest.ReplyUnder("tags", p.Tags).And("links", self(r, "/v3/projects", string(p.ID), "tags")), err
}

func (a *api) clearTags(r *rest.Request) (rest.Response, error) {
	_, err := a.retag(r, []string{})
	return rest.Empty(), err
}

func (a *api) tag(r *rest.Request) (rest.Response, error) {
	p, err := a.load(r)
	if err == nil && !slices.Contains(p.Tags, r.Param("tag")) {
		err = fault.NotFound.Errorf("project %s does not have tag %s", p.ID, r.Param("tag"))
	}
	return rest.Empty(), err
}

func (a *api) addTag(r *rest.Request) (rest.Response, error) {
	_, err := a.UpdateProject(r.Context(), identity.ProjectPatch{ID: identity.ProjectID(r.Param("id")), AddTags: []string{r.Param("tag")}})
	return rest.Empty(), err
}

func (a *api) removeTag(r *rest.Request) (rest.Response, error) {
	p, err := a.load(r)
	if err != nil {
		return rest.Response{}, err
	}
	if !slices.Contains(p.Tags, r.Param("tag")) {
		return rest.Response{}, fault.NotFound.Errorf("project %s does not have tag %s", p.ID, r.Param("tag"))
	}
	_, err = a.UpdateProject(r.Context(), identity.ProjectPatch{ID: p.ID, RemoveTags: []string{r.Param("tag")}})
	return rest.Empty(), err
}
