package identityapi

import (
	"net/http"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
)

func (a *api) credentialRoutes() []rest.Route {
	const path = "/v3/users/{user}/application_credentials"
	return []rest.Route{
		rest.POST(path, rest.JSONUnder("application_credential", a.createCredential)).Status(http.StatusCreated),
		rest.GET(path, a.credentials),
		rest.GET(path+"/{id}", a.credential),
		rest.DELETE(path+"/{id}", a.deleteCredential),
	}
}

type credentialCreate struct {
	Name         string    `json:"name" required:"true"`
	Description  *string   `json:"description"`
	Secret       *string   `json:"secret"`
	ExpiresAt    *string   `json:"expires_at"`
	Unrestricted *bool     `json:"unrestricted"`
	Roles        *[]named  `json:"roles"`
	AccessRules  *[]object `json:"access_rules"`
}

func (in credentialCreate) spec(user string) (identity.CredentialSpec, error) {
	s := identity.CredentialSpec{UserID: identity.UserID(user), Name: in.Name}
	if in.AccessRules != nil && len(*in.AccessRules) > 0 {
		return s, fault.Unsupported.Errorf("access rules are not supported: give the credential fewer roles")
	}
	if in.Description != nil {
		s.Description = *in.Description
	}
	if in.Secret != nil {
		s.Secret = *in.Secret
	}
	s.Unrestricted = in.Unrestricted != nil && *in.Unrestricted
	if in.Roles != nil {
		for _, role := range *in.Roles {
			if role.ID != "" {
				s.Roles = append(s.Roles, identity.RoleID(role.ID))
			} else {
				s.RoleNames = append(s.RoleNames, role.Name)
			}
		}
	}
	if in.ExpiresAt == nil {
		return s, nil
	}
	var err error
	s.ExpiresAt, err = readTime(*in.ExpiresAt)
	return s, err
}

// readTime takes the spellings that clients use. Without a zone it is UTC.
func readTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	return time.Time{}, fault.Invalid.Errorf("%q is not a time such as 2030-01-31T12:00:00Z", text)
}

type credentialBody struct {
	ID           identity.CredentialID `json:"id"`
	Name         string                `json:"name"`
	Description  *string               `json:"description"`
	ProjectID    identity.ProjectID    `json:"project_id"`
	UserID       identity.UserID       `json:"user_id"`
	Roles        []credentialRole      `json:"roles"`
	ExpiresAt    time.Time             `json:"expires_at" time:"micro"`
	Unrestricted bool                  `json:"unrestricted"`
	Secret       string                `json:"secret,omitempty"`
	System       *string               `json:"system"`
	Links        map[string]string     `json:"links"`
}

type credentialRole struct {
	ID       identity.RoleID `json:"id"`
	Name     string          `json:"name"`
	DomainID *string         `json:"domain_id"`
}

func credentialReply(r *rest.Request, c identity.Credential, roles map[identity.RoleID]string) credentialBody {
	body := credentialBody{
		ID: c.ID, Name: c.Name, ProjectID: c.ProjectID, UserID: c.UserID, ExpiresAt: c.ExpiresAt, Unrestricted: c.Unrestricted,
		Links: self(r, "/v3/users", string(c.UserID), "application_credentials", string(c.ID)),
	}
	if c.Description != "" {
		body.Description = &c.Description
	}
	for _, id := range c.Roles {
		body.Roles = append(body.Roles, credentialRole{ID: id, Name: roles[id]})
	}
	return body
}

func (a *api) createCredential(r *rest.Request, in credentialCreate) (rest.Response, error) {
	s, err := in.spec(r.Param("user"))
	if err != nil {
		return rest.Response{}, err
	}
	c, err := a.CreateCredential(r.Context(), s)
	if err != nil {
		return rest.Response{}, err
	}
	body := credentialReply(r, c.Credential, c.RoleNames)
	body.Secret = c.Secret
	return rest.ReplyUnder("application_credential", body), nil
}

func (a *api) credentials(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	query := identity.CredentialQuery{Query: q.Page(paging), UserID: identity.UserID(r.Param("user")), Name: q.String("name")}
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	found, err := a.Credentials(r.Context(), query)
	if err != nil {
		return rest.Response{}, err
	}
	return rest.ReplyPage(r, "application_credentials", page.Map(found, func(c identity.Credential) credentialBody {
		return credentialReply(r, c, c.RoleNames)
	})), nil
}

// ofUser returns the credential in the path, if it is of the user in the path.
func (a *api) ofUser(r *rest.Request) (identity.Credential, error) {
	c, err := a.Credential(r.Context(), identity.CredentialID(r.Param("id")))
	if err == nil && string(c.UserID) != r.Param("user") {
		err = fault.NotFound.Errorf("application credential %s", r.Param("id"))
	}
	return c, err
}

func (a *api) credential(r *rest.Request) (rest.Response, error) {
	c, err := a.ofUser(r)
	return rest.ReplyUnder("application_credential", credentialReply(r, c, c.RoleNames)), err
}

func (a *api) deleteCredential(r *rest.Request) (rest.Response, error) {
	c, err := a.ofUser(r)
	if err != nil {
		return rest.Response{}, err
	}
	return rest.Empty(), a.DeleteCredential(r.Context(), c.ID)
}
