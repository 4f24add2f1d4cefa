package identityapi

import (
	"net/http"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/rest"
)

func (a *api) domainRoutes() []rest.Route {
	return []rest.Route{
		rest.POST("/v3/domains", rest.JSONUnder("domain", a.createDomain)).Status(http.StatusCreated),
		rest.GET("/v3/domains", a.domains),
		rest.GET("/v3/domains/{id}", a.domain),
		rest.PATCH("/v3/domains/{id}", rest.JSONUnder("domain", a.updateDomain)),
		rest.DELETE("/v3/domains/{id}", a.deleteDomain),
	}
}

var asDomain = kind[identity.Domain]{"domain", "domains", domainBody}

func domainBody(r *rest.Request, d identity.Domain) object {
	return object{
		"id": d.ID, "name": d.Name, "description": d.Description, "enabled": d.Enabled,
		"options": object{}, "tags": []string{}, "links": self(r, "/v3/domains", string(d.ID)),
	}.with(d.Extra)
}

func (a *api) createDomain(r *rest.Request, in object) (rest.Response, error) {
	f := read(in)
	s := identity.DomainSpec{
		ID: identity.DomainID(f.text("explicit_domain_id")), Name: f.text("name"), Description: f.text("description"),
		Disabled: disabled(f.flag("enabled")),
	}
	f.take("tags")
	if s.Extra = f.extra(); f.err() != nil {
		return rest.Response{}, f.err()
	}
	d, err := a.CreateDomain(r.Context(), s)
	return asDomain.reply(r, d, err)
}

func (a *api) domains(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	query := identity.DomainQuery{Query: q.Page(paging), Name: q.String("name"), Enabled: enabled(q)}
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	found, err := a.Domains(r.Context(), query)
	return asDomain.page(r, found, err)
}

func (a *api) domain(r *rest.Request) (rest.Response, error) {
	d, err := a.Domain(r.Context(), identity.DomainID(r.Param("id")))
	return asDomain.reply(r, d, err)
}

func (a *api) updateDomain(r *rest.Request, in object) (rest.Response, error) {
	f := read(in)
	p := identity.DomainPatch{
		ID: identity.DomainID(r.Param("id")), Name: f.change("name"), Description: f.change("description"), Enabled: f.flag("enabled"),
	}
	f.take("tags")
	if p.Extra = f.extra(); f.err() != nil {
		return rest.Response{}, f.err()
	}
	d, err := a.UpdateDomain(r.Context(), p)
	return asDomain.reply(r, d, err)
}

func (a *api) deleteDomain(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.DeleteDomain(r.Context(), identity.DomainID(r.Param("id")))
}
