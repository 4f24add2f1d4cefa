package identityapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// subjectHeader carries the token that a call is about.
const subjectHeader = "X-Subject-Token"

func (a *api) tokenRoutes() []rest.Route {
	return []rest.Route{
		rest.POST("/v3/auth/tokens", rest.JSONUnder("auth", a.logIn)).Public().Status(http.StatusCreated),
		rest.GET("/v3/auth/tokens", a.token),
		rest.DELETE("/v3/auth/tokens", a.revokeToken),
		rest.GET("/v3/auth/projects", a.scopes(projectsOf)),
		rest.GET("/v3/auth/domains", a.scopes(domainsOf)),
		rest.GET("/v3/auth/system", a.scopes(systemOf)),
	}
}

type domainRef struct {
	ID   identity.DomainID `json:"id"`
	Name string            `json:"name"`
}

type userRef struct {
	ID       identity.UserID `json:"id"`
	Name     string          `json:"name"`
	Domain   domainRef       `json:"domain"`
	Password string          `json:"password"`
}

func (u userRef) ref() identity.UserRef {
	return identity.UserRef{ID: u.ID, Name: u.Name, Domain: identity.DomainRef(u.Domain)}
}

type login struct {
	Identity struct {
		Methods  []string `json:"methods" required:"true" min:"1" max:"8"`
		Password struct {
			User userRef `json:"user"`
		} `json:"password"`
		Token struct {
			ID string `json:"id"`
		} `json:"token"`
		Credential struct {
			ID     identity.CredentialID `json:"id"`
			Name   string                `json:"name"`
			Secret string                `json:"secret"`
			User   userRef               `json:"user"`
		} `json:"application_credential"`
	} `json:"identity" required:"true"`
	Scope any `json:"scope"` // an object, or the word unscoped
}

func (a *api) logIn(r *rest.Request, in login) (rest.Response, error) {
	scope, err := scopeOf(in.Scope)
	if err != nil {
		return rest.Response{}, err
	}
	q := r.Query()
	noCatalog := q.Flag("nocatalog")
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	id := in.Identity
	t, err := a.LogIn(r.Context(), identity.Login{
		Methods: id.Methods, User: id.Password.User.ref(), Password: id.Password.User.Password, Token: id.Token.ID, Scope: scope,
		Credential: identity.CredentialRef{
			ID: id.Credential.ID, Name: id.Credential.Name, Secret: id.Credential.Secret, User: id.Credential.User.ref(),
		},
	})
	if err != nil {
		return rest.Response{}, err
	}
	return a.tokenReply(r, t, noCatalog)
}

// scopeOf reads {"project": {…}}, {"domain": {…}}, {"system": {"all": true}} or "unscoped".
func scopeOf(v any) (identity.ScopeRef, error) {
	var out identity.ScopeRef
	if v == nil {
		return out, nil
	}
	if word, ok := v.(string); ok && word == "unscoped" {
		out.None = true
		return out, nil
	}
	members, _ := v.(map[string]any)
	if len(members) != 1 {
		return out, fault.Invalid.Errorf("scope must be one of project, domain and system, or unscoped")
	}
	for kind, value := range members {
		inner, ok := value.(map[string]any)
		if kind == "OS-TRUST:trust" || !ok {
			return out, fault.Invalid.Errorf("scope %s is not supported", kind)
		}
		f := read(inner)
		switch kind {
		case "project":
			out.Project = &identity.ProjectRef{
				ID: identity.ProjectID(f.text("id")), Name: f.text("name"), Domain: domainOf(f, inner["domain"]),
			}
		case "domain":
			d := domainOf(f, value)
			out.Domain = &d
		case "system":
			all := f.flag("all")
			out.System = all != nil && *all
			if !out.System {
				f.fail("the scope system must be {\"all\": true}")
			}
		default:
			f.fail("there is no scope %q", kind)
		}
		return out, f.err()
	}
	return out, nil
}

func domainOf(f *form, v any) identity.DomainRef {
	members, ok := v.(map[string]any)
	if v != nil && !ok {
		f.fail("domain must be an object")
	}
	inner := read(members)
	ref := identity.DomainRef{ID: identity.DomainID(inner.text("id")), Name: inner.text("name")}
	if inner.err() != nil {
		f.fail("domain: %w", inner.err())
	}
	return ref
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type inDomain struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Domain named  `json:"domain"`
}

type tokenUser struct {
	ID              string  `json:"id"`
	Name            string  `json:"name"`
	Domain          named   `json:"domain"`
	PasswordExpires *string `json:"password_expires_at"`
}

type tokenCredential struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Restricted bool   `json:"restricted"`
}

type tokenBody struct {
	Methods    []string         `json:"methods"`
	User       tokenUser        `json:"user"`
	AuditIDs   []string         `json:"audit_ids"`
	ExpiresAt  time.Time        `json:"expires_at" time:"microz"`
	IssuedAt   time.Time        `json:"issued_at" time:"microz"`
	Project    *inDomain        `json:"project,omitempty"`
	IsDomain   *bool            `json:"is_domain,omitempty"`
	Domain     *named           `json:"domain,omitempty"`
	System     map[string]bool  `json:"system,omitempty"`
	Roles      []named          `json:"roles,omitempty"`
	Catalog    json.RawMessage  `json:"catalog,omitempty"`
	Credential *tokenCredential `json:"application_credential,omitempty"`
}

func (a *api) tokenReply(r *rest.Request, t identity.Token, noCatalog bool) (rest.Response, error) {
	body := tokenBody{
		Methods: t.Methods, AuditIDs: t.AuditIDs, IssuedAt: t.IssuedAt, ExpiresAt: t.ExpiresAt,
		User: tokenUser{ID: t.User.ID, Name: t.User.Name, Domain: named(t.User.Domain)},
	}
	project := ""
	if t.Project != nil {
		no := false
		body.Project, body.IsDomain = &inDomain{t.Project.ID, t.Project.Name, named(t.Project.Domain)}, &no
		project = t.Project.ID
	}
	if t.Domain != nil {
		d := named(*t.Domain)
		body.Domain = &d
	}
	if t.System {
		body.System = map[string]bool{"all": true}
	}
	for _, role := range t.Roles {
		body.Roles = append(body.Roles, named(role))
	}
	if len(t.Roles) > 0 && !noCatalog {
		var err error
		if body.Catalog, err = a.catalogFor(r, project); err != nil {
			return rest.Response{}, err
		}
	}
	if t.Credential != nil {
		body.Credential = &tokenCredential{t.Credential.ID, t.Credential.Name, !t.Unrestricted}
	}
	return rest.ReplyUnder("token", body).Header(subjectHeader, t.Text).Header("Vary", "X-Auth-Token"), nil
}

// subject returns the token that a call is about.
func subject(r *rest.Request) (string, error) {
	text := strings.TrimSpace(r.Header(subjectHeader))
	if text == "" {
		return "", fault.Invalid.Errorf("send the token that you ask about in %s", subjectHeader)
	}
	return text, nil
}

func (a *api) token(r *rest.Request) (rest.Response, error) {
	text, err := subject(r)
	if err != nil {
		return rest.Response{}, err
	}
	q := r.Query()
	noCatalog := q.Flag("nocatalog")
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	t, err := a.Token(r.Context(), text)
	if err != nil {
		return rest.Response{}, err
	}
	return a.tokenReply(r, t, noCatalog)
}

func (a *api) revokeToken(r *rest.Request) (rest.Response, error) {
	text, err := subject(r)
	if err != nil {
		return rest.Response{}, err
	}
	return rest.Empty(), a.RevokeToken(r.Context(), text)
}

// scopes shows a part of what the caller may ask a token for.
func (a *api) scopes(show func(*rest.Request, identity.Scopes) rest.Response) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		s, err := a.Scopes(r.Context(), identity.UserID(identity.CallerOf(r.Context()).UserID))
		if err != nil {
			return rest.Response{}, err
		}
		return show(r, s), nil
	}
}

func projectsOf(r *rest.Request, s identity.Scopes) rest.Response {
	return asProject.whole(r, s.Projects)
}

func domainsOf(r *rest.Request, s identity.Scopes) rest.Response { return asDomain.whole(r, s.Domains) }

func systemOf(r *rest.Request, s identity.Scopes) rest.Response {
	out := []object{}
	if s.System {
		out = append(out, object{"all": true})
	}
	return rest.ReplyUnder("system", out).And("links", self(r, "/v3/auth/system"))
}
