package embedded_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/embedded"
	"github.com/nacre-cloud/nacre/identity"
)

// A world is a cloud, its administrator, and two projects that know nothing of
// each other, each with one user who is a member. All of them speak HTTP.
type world struct {
	*embedded.Cloud
	t                 *testing.T
	admin, alice, bob *user
	member            string // the id of the role
	hosts, backends   *gate  // of the drivers of servers and of volumes
}

// A user calls with a token of one project.
type user struct {
	w                        *world
	name, id, project, token string
}

func newWorld(t *testing.T, options ...fx.Option) *world {
	t.Helper()
	return newWorldIn(t, t.TempDir(), options...)
}

func newWorldIn(t *testing.T, dir string, options ...fx.Option) *world {
	t.Helper()
	w := &world{t: t, hosts: &gate{}, backends: &gate{}}
	options = append(options, gated(w.hosts, w.backends))
	cloud, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, Options: options})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.hosts.open()
		w.backends.open()
		if err := cloud.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w.Cloud = cloud
	w.admin = &user{w: w, name: "admin", project: w.projectOf("admin")}
	w.admin.logIn(cloud.Password)
	w.member = w.role("member")
	w.alice, w.bob = w.newUser("alice"), w.newUser("bob")
	for _, u := range []*user{w.admin, w.alice, w.bob} {
		// A project's default security group comes with the first look at groups.
		u.do("GET", "/network/v2.0/security-groups", "").want(t, 200)
	}
	return w
}

// newUser makes a project and a member of it, both called name.
func (w *world) newUser(name string) *user {
	w.t.Helper()
	return w.newUserIn(w.admin.make("/identity/v3/projects", fmt.Sprintf(`{"project":{"name":%q}}`, name), "project.id"), name, w.member)
}

// newUserIn makes a user, called name, with a role in a project.
func (w *world) newUserIn(project, name, role string) *user {
	w.t.Helper()
	const password = "correct horse battery staple"
	u := &user{w: w, name: name, project: project}
	u.id = w.admin.make("/identity/v3/users", fmt.Sprintf(`{"user":{"name":%q,"password":%q}}`, name, password), "user.id")
	w.admin.do("PUT", "/identity/v3/projects/"+u.project+"/users/"+u.id+"/roles/"+role, "").want(w.t, 204)
	u.logIn(password)
	return u
}

// role returns the id of a role.
func (w *world) role(name string) string {
	return text(w.admin.do("GET", "/identity/v3/roles?name="+name, "").want(w.t, 200).at("roles.0.id"))
}

// elsewhere is the user in a new project.
func (u *user) elsewhere(t *testing.T) *user {
	t.Helper()
	other := *u
	other.project = u.w.admin.make("/identity/v3/projects", `{"project":{"name":"`+rand.Text()+`"}}`, "project.id")
	u.w.admin.do("PUT", "/identity/v3/projects/"+other.project+"/users/"+u.id+"/roles/"+u.w.member, "").want(t, 204)
	body := `{"auth":{"identity":{"methods":["token"],"token":{"id":"` + u.token + `"}},"scope":{"project":{"id":"` + other.project + `"}}}}`
	other.token = u.with("").do("POST", "/identity/v3/auth/tokens", body).want(t, 201).header.Get("X-Subject-Token")
	other.do("GET", "/network/v2.0/security-groups", "").want(t, 200)
	return &other
}

func (w *world) projectOf(name string) string {
	w.t.Helper()
	found, err := w.Identity.Projects(w.system(), identity.ProjectQuery{Name: name})
	if err != nil || len(found.Items) != 1 {
		w.t.Fatal(found, err)
	}
	return string(found.Items[0].ID)
}

// system is the context of calls that are not made over HTTP.
func (w *world) system() context.Context {
	return identity.With(w.t.Context(), identity.System("test"))
}

func (u *user) logIn(password string) {
	u.w.t.Helper()
	body := fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%q,"domain":{"id":"default"},"password":%q}}},
		"scope":{"project":{"id":%q}}}}`, u.name, password, u.project)
	nobody := user{w: u.w}
	u.token = nobody.do("POST", "/identity/v3/auth/tokens", body).want(u.w.t, 201).header.Get("X-Subject-Token")
}

// with is the user with another token.
func (u user) with(token string) *user {
	u.token = token
	return &u
}

// A reply is what came back.
type reply struct {
	call   string
	status int
	header http.Header
	body   string
}

// do calls the cloud. The path reaches it exactly as it is given here; {me} in it,
// and in the body, is the user's project. Headers are pairs.
func (u *user) do(method, path, body string, headers ...string) reply {
	u.w.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(u.fill(body))
	}
	r, err := u.send(method, path, in, headers...)
	if err != nil {
		u.w.t.Fatal(err)
	}
	return r
}

func (u *user) fill(s string) string { return strings.ReplaceAll(s, "{me}", u.project) }

// send is do for a body that streams, and may fail.
func (u *user) send(method, path string, body io.Reader, headers ...string) (reply, error) {
	req, err := http.NewRequestWithContext(u.w.t.Context(), method, u.w.URL(), body)
	if err != nil {
		return reply{}, err
	}
	path, query, _ := strings.Cut(u.fill(path), "?")
	req.URL = &url.URL{Scheme: "http", Host: req.URL.Host, Opaque: path, RawQuery: query}
	if u.token != "" {
		req.Header.Set("X-Auth-Token", u.token)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	return reply{method + " " + path, res.StatusCode, res.Header, string(out)}, err
}

// make creates a thing and returns its id, which is at a path of the reply.
func (u *user) make(path, body, at string, headers ...string) string {
	u.w.t.Helper()
	r := u.do("POST", path, body, headers...)
	if r.status >= 300 {
		u.w.t.Fatalf("%s %s: %d %s", r.call, body, r.status, r.body)
	}
	return text(r.at(at))
}

// want ends the test unless the status is one of those.
func (r reply) want(t testing.TB, statuses ...int) reply {
	t.Helper()
	for _, s := range statuses {
		if r.status == s {
			return r
		}
	}
	t.Fatalf("%s: %d, want %v\n%s", r.call, r.status, statuses, r.body)
	return r
}

// at returns what a JSON body has at a path such as "servers.0.id"; nil when it is not there.
func (r reply) at(path string) any {
	var v any
	if json.Unmarshal([]byte(r.body), &v) != nil {
		return nil
	}
	for key := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[key]
		case []any:
			var i int
			if _, err := fmt.Sscan(key, &i); err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// What every embedded cloud begins with.
const (
	demo   = string(embedded.Image)
	public = string(embedded.PublicNetwork)
)

var jsonPatch = []string{"Content-Type", "application/openstack-images-v2.1-json-patch"}
