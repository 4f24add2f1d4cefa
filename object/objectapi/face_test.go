package objectapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/object"
	"github.com/nacre-cloud/nacre/object/memory"
	"github.com/nacre-cloud/nacre/object/objectapi"
)

const project = "11111111111111111111111111111111"

// tokens are who may call in these tests.
var tokens = rest.AuthenticatorFunc(func(ctx context.Context, token string) (context.Context, error) {
	role, of, ok := strings.Cut(token, "@")
	if !ok {
		return nil, fault.Unauthenticated.Errorf("no such token")
	}
	return identity.With(ctx, identity.Caller{UserID: "user-" + of, ProjectID: of, Roles: identity.Expand(role)}), nil
})

// serve starts a store and returns the address of the project's account.
func serve(t *testing.T) string {
	t.Helper()
	m, err := object.New(object.Params{
		DB:       dbtest.SQLite(t, bus.Migrations, object.Migrations),
		Backends: []object.Backend{{Name: "standard", Driver: memory.New(memory.Config{})}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := rest.New(rest.Params{
		Faces:         []rest.Face{objectapi.Face(objectapi.Params{Service: m, Content: m})},
		Authenticator: tokens,
	})
	if err != nil {
		t.Fatal(err)
	}
	runtest.Start(t, s)
	return s.URL() + "/object-store/v1/AUTH_" + project
}

type client struct {
	t       *testing.T
	account string
	token   string
}

// do sends a request with headers given in pairs, and returns the answer with
// its body read.
func (c client) do(method, path, body string, headers ...string) (*http.Response, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.account+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("X-Auth-Token", c.token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, string(data)
}

// want is do for one status.
func (c client) want(status int, method, path, body string, headers ...string) (http.Header, string) {
	c.t.Helper()
	res, got := c.do(method, path, body, headers...)
	if res.StatusCode != status {
		c.t.Errorf("%s %s = %d %s, want %d", method, path, res.StatusCode, got, status)
	}
	return res.Header, got
}

// halfClosed sends a body that may end before the size announced for it, and
// returns the status of the answer.
func (c client) halfClosed(method, path, body string, size int) int {
	c.t.Helper()
	at, err := url.Parse(c.account)
	if err != nil {
		c.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", at.Host)
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s%s HTTP/1.1\r\nHost: %s\r\nX-Auth-Token: %s\r\nContent-Length: %d\r\n\r\n%s", method, at.Path, path, at.Host, c.token, size, body)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}
