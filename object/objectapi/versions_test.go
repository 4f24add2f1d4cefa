package objectapi_test

import (
	"regexp"
	"testing"
)

func TestVersionsLocation(t *testing.T) {
	c := member(t)
	c.want(201, "PUT", "/old%20ones", "")
	c.want(201, "PUT", "/c", "", "X-Versions-Location", "old%20ones")
	h, _ := c.want(204, "HEAD", "/c", "")
	wantHeaders(t, h, "X-Versions-Location", "old%20ones", "X-History-Location", "")
	c.want(201, "PUT", "/c/o", "one")
	c.want(201, "PUT", "/c/o", "two")
	if _, names := c.want(200, "GET", "/old%20ones", ""); !regexp.MustCompile(`^001o/\d{10}\.\d{6}\n$`).MatchString(names) {
		t.Errorf("versions = %q", names)
	}
	c.want(204, "DELETE", "/c/o", "")
	if _, body := c.want(200, "GET", "/c/o", ""); body != "one" {
		t.Errorf("body = %q, want the version before", body)
	}
	c.want(204, "POST", "/c", "", "X-History-Location", "old%20ones")
	h, _ = c.want(204, "HEAD", "/c", "")
	wantHeaders(t, h, "X-Versions-Location", "", "X-History-Location", "old%20ones")
	c.want(400, "POST", "/c", "", "X-History-Location", "a", "X-Versions-Location", "b")
	c.want(412, "POST", "/c", "", "X-Versions-Location", "a/b")
	c.want(204, "POST", "/c", "", "X-Remove-History-Location", "x")
	h, _ = c.want(204, "HEAD", "/c", "")
	wantHeaders(t, h, "X-Versions-Location", "", "X-History-Location", "")
}
