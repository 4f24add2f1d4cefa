package objectapi_test

import (
	"archive/tar"
	"bytes"
	"strings"
	"testing"
)

func TestBulkDelete(t *testing.T) {
	c := member(t)
	c.want(201, "PUT", "/c", "")
	c.want(201, "PUT", "/c/a%20b", "")
	_, body := c.want(200, "POST", "?bulk-delete", "c/a%20b\nc/none\nc\n", "Accept", "application/json")
	if !strings.Contains(body, `"Number Files Created":0,"Number Deleted":2,"Number Not Found":1,"Response Status":"200 OK"`) {
		t.Errorf("bulk = %s", body)
	}
	client{t, c.account, "member@2222"}.want(403, "POST", "?bulk-delete", "c")
}

// TestABulkDeleteIsReadBeforeItBegins: a name that was cut is that of another object.
func TestABulkDeleteIsReadBeforeItBegins(t *testing.T) {
	c := member(t)
	c.want(201, "PUT", "/c", "")
	c.want(201, "PUT", "/c/obj", "kept")
	for name, body := range map[string]string{
		"cut":       "c/obj\nc/obj",
		"too many":  "c/obj\n" + strings.Repeat("c/none\n", 1000),
		"too large": "c/obj\n" + strings.Repeat(strings.Repeat("x", 8000)+"\n", 600),
	} {
		t.Run(name, func(t *testing.T) {
			size, want := len(body), 413
			if name == "cut" {
				size, want = size+100, 400
			}
			if got := c.halfClosed("POST", "?bulk-delete", body, size); got != want {
				t.Errorf("the answer is %d, want %d", got, want)
			}
			c.want(200, "GET", "/c/obj", "")
		})
	}
}

func TestArchivesBecomeObjects(t *testing.T) {
	c := member(t)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"c/a", "c/d/b", "../../e/f", "alone"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: 1, Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, out := c.want(200, "PUT", "?extract-archive=tar", b.String(), "Accept", "application/json")
	if !strings.Contains(out, `"Number Files Created":3,`) || !strings.Contains(out, `"/alone"`) {
		t.Errorf("extract = %s", out)
	}
	for _, path := range []string{"/c/a", "/c/d/b", "/e/f"} {
		c.want(200, "GET", path, "")
	}
	c.want(200, "PUT", "/c/sub?extract-archive=tar", b.String())
	c.want(200, "GET", "/c/sub/c/a", "")
	c.want(400, "PUT", "?extract-archive=tar", "this is no archive, though it is long enough to look at")
	client{t, c.account, "member@2222"}.want(403, "PUT", "?extract-archive=tar", b.String())
}
