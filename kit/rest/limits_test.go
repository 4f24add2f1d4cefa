package rest_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

// raw sends text as it is and returns the first line of the answer.
func raw(t *testing.T, address, text string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line)
}

func TestRudeRequests(t *testing.T) {
	face := (&harbour{boats: map[string]boat{}}).face()
	s := start(t, rest.Params{Faces: []rest.Face{face}, Authenticator: rest.AuthenticatorFunc(anyToken)})
	tests := map[string]struct{ text, want string }{
		"not http":       {"hello\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		"a huge header":  {"GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", "HTTP/1.1 431 Request Header Fields Too Large"},
		"a huge path":    {"GET /harbour/v2.1/boats/" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 431 Request Header Fields Too Large"},
		"a huge query":   {"GET /harbour/v2.1/boats?" + strings.Repeat("a=1&", 16<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 431 Request Header Fields Too Large"},
		"no host":        {"GET /harbour/v2.1 HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK"},
		"a lying length": {"POST /harbour/v2.1/boats HTTP/1.1\r\nHost: x\r\nX-Auth-Token: good\r\nContent-Length: 99999999999\r\n\r\n{", "HTTP/1.1 413 Request Entity Too Large"},
		"endless chunks": {"POST /harbour/v2.1/boats HTTP/1.1\r\nHost: x\r\nX-Auth-Token: good\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + strings.Repeat(" ", 0x200000), "HTTP/1.1 413 Request Entity Too Large"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := raw(t, s.Address(), tt.text); got != tt.want {
				t.Errorf("answered %q, want %q", got, tt.want)
			}
		})
	}
}

func TestStreams(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 500_000)
	file := t.TempDir() + "/content"
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(r *rest.Request) (rest.Response, error) {
		n, err := io.Copy(io.Discard, r.Body)
		return rest.Reply(n).Status(201), err
	}
	face := rest.Face{Name: "a", Prefix: "/a", Dialect: dialect.Text, Routes: []rest.Route{
		rest.PUT("/up/*", read).Public().Stream(),
		rest.GET("/file", func(*rest.Request) (rest.Response, error) {
			f, err := os.Open(file)
			return rest.Content("application/octet-stream", time.Time{}, f).Header("ETag", `"e"`), err
		}).Public(),
		rest.GET("/copy", func(*rest.Request) (rest.Response, error) {
			return rest.Copy("text/plain", int64(len(content)), bytes.NewReader(content)), nil
		}).Public(),
		rest.GET("/cut", func(*rest.Request) (rest.Response, error) {
			return rest.Copy("text/plain", 1<<20, io.MultiReader(bytes.NewReader(content[:1000]), failing{})), nil
		}).Public(),
		rest.GET("/refused", func(*rest.Request) (rest.Response, error) {
			return rest.Raw(func(http.ResponseWriter, *http.Request) error { return os.ErrNotExist }), nil
		}).Public(),
	}}
	s := start(t, rest.Params{Faces: []rest.Face{face}})
	c := client(t)
	ask := func(method, path, ranges string, body io.Reader) (*http.Response, []byte, error) {
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, body)
		if err != nil {
			t.Fatal(err)
		}
		if ranges != "" {
			r.Header.Set("Range", ranges)
		}
		res, err := c.Do(r)
		if err != nil {
			return &http.Response{}, nil, err
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		return res, got, err
	}
	if res, got, err := ask("PUT", "/a/up/a/../b//c", "", bytes.NewReader(content)); err != nil || res.StatusCode != 201 || string(got) != strconv.Itoa(len(content)) {
		t.Errorf("upload: %d %s %v", res.StatusCode, got, err)
	}
	for _, path := range []string{"/a/file", "/a/copy"} {
		if res, got, err := ask("GET", path, "", nil); err != nil || res.StatusCode != 200 || !bytes.Equal(got, content) {
			t.Errorf("%s: %d, %d bytes, %v", path, res.StatusCode, len(got), err)
		}
		if res, got, err := ask("HEAD", path, "", nil); err != nil || len(got) != 0 || res.ContentLength != int64(len(content)) {
			t.Errorf("HEAD %s: %d bytes, length %d, %v", path, len(got), res.ContentLength, err)
		}
	}
	if res, got, err := ask("GET", "/a/file", "bytes=10-19", nil); err != nil || res.StatusCode != 206 || string(got) != "0123456789" {
		t.Errorf("range: %d %s %v", res.StatusCode, got, err)
	}
	if _, _, err := ask("GET", "/a/cut", "", nil); err == nil {
		t.Error("a body that was cut short looks whole")
	}
	if res, got, err := ask("GET", "/a/refused", "", nil); err != nil || res.StatusCode != 500 || strings.Contains(string(got), "exist") {
		t.Errorf("refused: %d %s %v", res.StatusCode, got, err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestSlowClientsAreNotWaitedFor(t *testing.T) {
	face := (&harbour{boats: map[string]boat{}}).face()
	face.Routes = append(face.Routes, rest.PUT("/up", func(r *rest.Request) (rest.Response, error) {
		_, err := io.Copy(io.Discard, r.Body)
		return rest.Empty(), err
	}).Public().Stream())
	soon := 50 * time.Millisecond
	s := start(t, rest.Params{
		Faces: []rest.Face{face}, Authenticator: rest.AuthenticatorFunc(anyToken),
		Config: rest.Config{Limits: rest.Limits{Header: soon, Body: soon, Stream: soon}},
	})
	tests := map[string]struct{ text, want string }{
		"a header that does not end": {"GET /harbour/v2.1 HTTP/1.1\r\nHost: x\r\n", ""},
		"a body that does not come":  {"POST /harbour/v2.1/boats HTTP/1.1\r\nHost: x\r\nX-Auth-Token: good\r\nContent-Length: 10\r\n\r\n{", "HTTP/1.1 408 Request Timeout"},
		"a stream that dries up":     {"PUT /harbour/up HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345", "HTTP/1.1 408 Request Timeout"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := raw(t, s.Address(), tt.text); got != tt.want {
				t.Errorf("answered %q, want %q", got, tt.want)
			}
		})
	}
}
