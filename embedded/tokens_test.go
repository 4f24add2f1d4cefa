package embedded_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

// doors are one call of every service that needs a token.
var doors = []string{
	"/identity/v3/auth/projects",
	"/compute/v2.1/servers",
	"/compute/v2.1/os-simple-tenant-usage/{me}",
	"/image/v2/images",
	"/network/v2.0/networks",
	"/volume/v3/{me}/volumes",
	"/object-store/v1/AUTH_{me}",
	"/placement/resource_providers",
	"/metering/v1/metric",
}

// TestTokensThatAreNotGoodAreRefused at every service.
func TestTokensThatAreNotGoodAreRefused(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	before := w.holds(t)
	good := w.admin.token
	revoked := w.newLogin(t, "alice")
	w.admin.do("DELETE", "/identity/v3/auth/tokens", "", "X-Subject-Token", revoked).want(t, 204)
	for name, token := range map[string]string{
		"none":                       "",
		"made up":                    "let-me-in",
		"one letter changed":         flip(good, len(good)/2),
		"its end changed":            flip(good, len(good)-3),
		"its beginning changed":      flip(good, 0),
		"cut":                        good[:len(good)-4],
		"longer":                     good + "AAAA",
		"twice":                      good + good,
		"of another cloud":           other.admin.token,
		"taken back":                 revoked,
		"a password":                 w.Password,
		"larger than any token":      strings.Repeat("A", 16<<10),
		"what would break a query":   `' OR 1=1 --`,
		"the id of the user it's of": w.alice.id,
	} {
		for _, path := range doors {
			t.Run(name+path, func(t *testing.T) {
				for _, u := range []*user{w.admin.with(token), w.alice.with(token)} {
					u.do("GET", path, "").want(t, 401).refusal(t)
					u.do("DELETE", path+"/x", "").want(t, 401, 404, 405)
				}
			})
		}
	}
	for _, path := range doors {
		w.admin.do("GET", path, "").want(t, 200, 204)
	}
	w.unchanged(t, before)
}

// newLogin returns one more token of a user.
func (w *world) newLogin(t *testing.T, name string) string {
	t.Helper()
	u := &user{w: w, name: name, project: w.projectOf(name)}
	u.logIn("correct horse battery staple")
	return u.token
}

func flip(s string, i int) string {
	other := byte('A')
	if s[i] == other {
		other = 'B'
	}
	return s[:i] + string(other) + s[i+1:]
}

// TestAnExpiredTokenIsRefused also where it was good a moment ago.
func TestAnExpiredTokenIsRefused(t *testing.T) {
	const lifetime = 5 * time.Second
	w := newWorld(t, fx.Decorate(func(c identity.Config) identity.Config {
		c.TokenLifetime = lifetime
		return c
	}))
	token := w.newLogin(t, "alice")
	u := w.alice.with(token)
	for _, path := range doors {
		if path != "/placement/resource_providers" {
			u.do("GET", path, "").want(t, 200, 204)
		}
	}
	flowtest.Eventually(t, "the token expires", func() bool {
		return u.do("GET", "/compute/v2.1/servers", "").want(t, 200, 401).status == 401
	})
	for _, path := range doors {
		t.Run(path, func(t *testing.T) { u.do("GET", path, "").want(t, 401).refusal(t) })
	}
	u.do("POST", "/compute/v2.1/servers", `{"server":{`+onlyBoot+`}}`).want(t, 401).refusal(t)
	body := `{"auth":{"identity":{"methods":["token"],"token":{"id":"` + token + `"}}}}`
	u.with("").do("POST", "/identity/v3/auth/tokens", body).want(t, 401, 404).refusal(t)
	w.admin.with(w.adminToken(t)).do("GET", "/identity/v3/auth/tokens", "", "X-Subject-Token", token).want(t, 404).refusal(t)
}

func (w *world) adminToken(t *testing.T) string {
	t.Helper()
	u := &user{w: w, name: "admin", project: w.admin.project}
	u.logIn(w.Password)
	return u.token
}

// TestATokenEndsWithWhatItStandsOn: the user, its role, its project.
func TestATokenEndsWithWhatItStandsOn(t *testing.T) {
	w := newWorld(t)
	for name, call := range map[string]string{
		"user deleted":     "DELETE /identity/v3/users/{user}",
		"user disabled":    `PATCH /identity/v3/users/{user} {"user":{"enabled":false}}`,
		"password changed": `PATCH /identity/v3/users/{user} {"user":{"password":"another one entirely"}}`,
		"project deleted":  "DELETE /identity/v3/projects/{project}",
		"project disabled": `PATCH /identity/v3/projects/{project} {"project":{"enabled":false}}`,
		"role taken back":  "DELETE /identity/v3/projects/{project}/users/{user}/roles/{role}",
	} {
		t.Run(name, func(t *testing.T) {
			u := w.newUser(name)
			call = strings.NewReplacer("{user}", u.id, "{project}", u.project, "{role}", w.member).Replace(call)
			method, rest, _ := strings.Cut(call, " ")
			path, body, _ := strings.Cut(rest, " ")
			w.admin.do(method, path, body).want(t, 200, 204)
			for _, path := range doors {
				u.do("GET", path, "").want(t, 401).refusal(t)
			}
			w.alice.do("GET", "/compute/v2.1/servers", "").want(t, 200)
		})
	}
}
