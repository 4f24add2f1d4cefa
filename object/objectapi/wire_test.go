package objectapi_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/object/objecttest"
)

func member(t *testing.T) client {
	return client{t, serve(t), "member@" + project}
}

func sum(s string) string {
	h := md5.Sum([]byte(s))
	return hex.EncodeToString(h[:])
}

// wantHeaders checks headers given as name, pattern pairs; a pattern that is
// empty wants none.
func wantHeaders(t *testing.T, h http.Header, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		name, pattern := pairs[i], pairs[i+1]
		if pattern == "" {
			if h.Values(name) != nil {
				t.Errorf("header %s = %q, want none", name, h.Get(name))
			}
			continue
		}
		if !regexp.MustCompile("^(?:"+pattern+")$").MatchString(h.Get(name)) || h.Values(name) == nil {
			t.Errorf("header %s = %q, want %s", name, h.Get(name), pattern)
		}
	}
}

func TestEveryResponseHasWhatClientsRead(t *testing.T) {
	c := member(t)
	for _, call := range []string{"PUT /c", "PUT /c", "PUT /c/o", "HEAD /c/o", "GET /c/o", "POST /c/o", "POST /c", "HEAD /c", "GET /c", "POST ", "HEAD ", "GET ", "DELETE /c", "DELETE /c/o", "DELETE /c", "GET /none"} {
		method, path, _ := strings.Cut(call, " ")
		res, body := c.do(method, path, "")
		wantHeaders(t, res.Header, "X-Trans-Id", "tx[0-9a-f]{21}-[0-9a-f]{10}", "Content-Type", ".+", "Date", ".+", "X-Openstack-Request-Id", "req-.+")
		if res.StatusCode == 204 && body != "" || res.StatusCode != 204 && res.ContentLength < 0 {
			t.Errorf("%s = %d with a body of %d bytes", call, res.StatusCode, res.ContentLength)
		}
	}
}

func TestObjectHeaders(t *testing.T) {
	c := member(t)
	c.want(201, "PUT", "/c", "")
	h, _ := c.want(201, "PUT", "/c/o.txt", "hello", "X-Object-Meta-a_b", "1", "X-Object-Meta-Empty", "", "Content-Encoding", "x-enc", "Etag", `"`+sum("hello")+`"`)
	wantHeaders(t, h, "Etag", sum("hello"), "Last-Modified", ".+GMT")
	h, body := c.want(200, "GET", "/c/o.txt", "")
	if body != "hello" {
		t.Errorf("body = %q", body)
	}
	wantHeaders(t, h, "Etag", sum("hello"), "Content-Type", "text/plain.*", "Content-Encoding", "x-enc", "X-Object-Meta-A-B", "1",
		"X-Timestamp", `\d+\.\d{5}`, "Accept-Ranges", "bytes", "Content-Length", "5")
	if h.Values("X-Object-Meta-Empty") == nil {
		t.Error("metadata without a value is lost")
	}
	h, _ = c.want(200, "HEAD", "/c/o.txt", "")
	wantHeaders(t, h, "Content-Length", "5", "Etag", sum("hello"))
	c.want(202, "POST", "/c/o.txt", "", "X-Object-Meta-New", "2", "X-Delete-At", fmt.Sprint(time.Now().Unix()+100))
	h, _ = c.want(200, "HEAD", "/c/o.txt", "")
	if _, body := c.want(404, "GET", "/c/none", ""); !strings.Contains(body, "Object c/none could not be found<") {
		t.Errorf("body = %q", body)
	}
	wantHeaders(t, h, "X-Object-Meta-New", "2", "X-Object-Meta-A-B", "", "X-Delete-At", `\d+`, "Content-Type", "text/plain.*", "Content-Encoding", "")
}

func TestConditionsAndRanges(t *testing.T) {
	c := member(t)
	c.want(201, "PUT", "/c", "")
	c.want(201, "PUT", "/c/o", "0123456789")
	tag, past, future := sum("0123456789"), "Mon Jan  2 15:04:05 2006", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	for _, tt := range []struct {
		header, value string
		status        int
		body          string
	}{
		{"If-Match", tag, 200, "0123456789"},
		{"If-Match", `"` + tag + `"`, 200, "0123456789"},
		{"If-Match", "other", 412, ""},
		{"If-None-Match", tag, 304, ""},
		{"If-None-Match", "*", 304, ""},
		{"If-None-Match", "other", 200, "0123456789"},
		{"If-Modified-Since", past, 200, "0123456789"},
		{"If-Modified-Since", future, 304, ""},
		{"If-Unmodified-Since", past, 412, ""},
		{"If-Unmodified-Since", future, 200, "0123456789"},
		{"Range", "bytes=2-4", 206, "234"},
		{"Range", "bytes=7-", 206, "789"},
		{"Range", "bytes=-3", 206, "789"},
		{"Range", "bytes=-99", 206, "0123456789"},
		{"Range", "bytes=5-99", 206, "56789"},
		{"Range", "bytes=10-", 416, ""},
		{"Range", "bytes=-0", 416, ""},
		{"Range", "bytes=4-2", 200, "0123456789"},
		{"Range", "lines=1-2", 200, "0123456789"},
		{"Range", "bytes=0-1,4-5", 200, "0123456789"},
	} {
		h, body := c.want(tt.status, "GET", "/c/o", "", tt.header, tt.value)
		if body != tt.body {
			t.Errorf("%s: %s = %q, want %q", tt.header, tt.value, body, tt.body)
		}
		if tt.status == 206 {
			wantHeaders(t, h, "Content-Range", `bytes \d-9/10|bytes 2-4/10`, "Content-Length", fmt.Sprint(len(tt.body)))
		}
		c.want(tt.status, "HEAD", "/c/o", "", tt.header, tt.value)
	}
	c.want(412, "PUT", "/c/o", "x", "If-None-Match", "*")
}

func TestBadInputIsRefused(t *testing.T) {
	c := member(t)
	c.want(201, "PUT", "/c", "")
	c.want(201, "PUT", "/c/o", "x")
	long := strings.Repeat("x", 257)
	for _, tt := range []struct {
		status             int
		method, path, body string
		headers            []string
		says               string
	}{
		{400, "PUT", "/" + long, "", nil, "Container name length of 257 longer than 256"},
		{400, "PUT", "/d", "", []string{"X-Container-Meta-" + long, "v"}, "Metadata name too long"},
		{400, "PUT", "/d", "", []string{"X-Container-Meta-K", long}, "Metadata value longer than 256"},
		{400, "PUT", "/d", "", []string{"X-Storage-Policy", "gold"}, "X-Storage-Policy"},
		{400, "PUT", "/c/" + strings.Repeat("x", 1025), "", nil, "Object name length of 1025"},
		{422, "PUT", "/c/n", "x", []string{"Etag", sum("y")}, ""},
		{400, "PUT", "/c/n", "x", []string{"X-Delete-At", "soon"}, "non-integer"},
		{400, "PUT", "/c/n", "x", []string{"X-Delete-At", "1"}, "in past"},
		{400, "PUT", "/c/n?multipart-manifest=put", "{", nil, "JSON"},
		{400, "PUT", "/c/n?multipart-manifest=put", `[{"path":"/c/none"}]`, nil, "Segment"},
		{404, "PUT", "/none/n", "x", nil, ""},
		{412, "PUT", "/c/n", "", []string{"X-Copy-From", "nonsense"}, ""},
		{404, "PUT", "/c/n", "", []string{"X-Copy-From", "c/none"}, ""},
		{409, "DELETE", "/c", "", nil, "There was a conflict when trying to complete your request."},
		{412, "GET", "/c?limit=10001", "", nil, ""},
		{400, "GET", "/c?limit=x", "", nil, ""},
		{400, "PUT", "/%FF", "", nil, ""},
		{404, "GET", "/../AUTH_2/c", "", nil, ""},
		{405, "DELETE", "", "", nil, ""},
	} {
		_, body := c.want(tt.status, tt.method, tt.path, tt.body, tt.headers...)
		if !strings.Contains(strings.ToLower(body), strings.ToLower(tt.says)) {
			t.Errorf("%s %.40s says %s, want %s", tt.method, tt.path, body, tt.says)
		}
	}
	c.want(404, "HEAD", "/c/n", "")
	c.want(404, "HEAD", "/d", "")
}

func TestTokensDecide(t *testing.T) {
	c := member(t)
	c.want(201, "PUT", "/c", "")
	c.want(201, "PUT", "/c/o", "x")
	for token, want := range map[string]int{"": 401, "forged": 401, "member@2222": 403, "reader@" + project: 200, "admin@2222": 200} {
		o := client{t, c.account, token}
		o.want(want, "GET", "/c/o", "")
		o.want(map[int]int{401: 401, 403: 403, 200: 204}[want], "HEAD", "", "")
	}
	for token, want := range map[string]int{"": 401, "member@2222": 403, "reader@" + project: 403} {
		o := client{t, c.account, token}
		o.want(want, "PUT", "/c/o", "y")
		o.want(want, "DELETE", "/c/o", "")
		o.want(want, "PUT", "/d", "")
	}
	c.want(204, "POST", "/c", "", "X-Container-Read", ".r:*,.rlistings")
	h, _ := c.want(204, "HEAD", "/c", "")
	wantHeaders(t, h, "X-Container-Read", ".*rlistings")
	anybody := client{t, c.account, ""}
	anybody.want(200, "GET", "/c/o", "")
	anybody.want(200, "GET", "/c", "")
	anybody.want(401, "PUT", "/c/o", "y")
	c.want(204, "POST", "/c", "", "X-Remove-Container-Read", "x")
	anybody.want(401, "GET", "/c/o", "")
}

func TestListings(t *testing.T) {
	c := member(t)
	c.want(201, "PUT", "/c", "")
	c.want(204, "GET", "/c", "")
	for _, name := range []string{"a/1", "b", "c%3Fd%20%C3%A9"} {
		c.want(201, "PUT", "/c/"+name, "x")
	}
	_, body := c.want(200, "GET", "/c", "")
	if body != "a/1\nb\nc?d é\n" {
		t.Errorf("text = %q", body)
	}
	h, body := c.want(200, "GET", "/c?format=json&delimiter=/", "")
	wantHeaders(t, h, "Content-Type", "application/json.*", "X-Container-Object-Count", "3", "X-Container-Bytes-Used", "3", "X-Storage-Policy", "standard")
	if !strings.HasPrefix(body, `[{"subdir":"a/"},{"name":"b","hash":"`+sum("x")+`","bytes":1,"content_type":"application/octet-stream","last_modified":"20`) {
		t.Errorf("json = %s", body)
	}
	_, body = c.want(200, "GET", "/c?delimiter=/", "", "Accept", "application/xml")
	if !strings.Contains(body, `<container name="c"><subdir name="a/"><name>a/</name></subdir><object><name>b</name><hash>`) {
		t.Errorf("xml = %s", body)
	}
	h, body = c.want(200, "GET", "?format=json", "")
	wantHeaders(t, h, "X-Account-Object-Count", "3", "X-Account-Storage-Policy-Standard-Bytes-Used", "3")
	if !strings.HasPrefix(body, `[{"name":"c","count":3,"bytes":3,"last_modified":`) {
		t.Errorf("account = %s", body)
	}
	if _, body = c.want(200, "GET", "/c?path=a", ""); body != "a/1\n" {
		t.Errorf("path = %q", body)
	}
	c.want(204, "GET", "/c?limit=0", "")
}

func TestCopies(t *testing.T) {
	c := member(t)
	c.want(201, "PUT", "/c", "")
	c.want(201, "PUT", "/c/a%20b", "bytes", "X-Object-Meta-K", "1")
	h, _ := c.want(201, "COPY", "/c/a%20b", "", "Destination", "/c/copy", "X-Object-Meta-L", "2")
	wantHeaders(t, h, "X-Copied-From", "c/a%20b", "X-Copied-From-Last-Modified", ".+", "Etag", sum("bytes"), "X-Object-Meta-K", "1", "X-Object-Meta-L", "2")
	c.want(201, "PUT", "/c/put", "", "X-Copy-From", "c/a%20b", "X-Fresh-Metadata", "true")
	h, body := c.want(200, "GET", "/c/put", "")
	if wantHeaders(t, h, "X-Object-Meta-K", ""); body != "bytes" {
		t.Errorf("copy = %q", body)
	}
}

func TestLargeObjects(t *testing.T) {
	c := member(t)
	c.want(201, "PUT", "/c", "")
	c.want(201, "PUT", "/c/s/1", "one")
	c.want(201, "PUT", "/c/s/2", "two")
	c.want(201, "PUT", "/c/dynamic", "", "X-Object-Manifest", "c/s/")
	h, _ := c.want(201, "PUT", "/c/static?multipart-manifest=put", `[{"path":"/c/s/1","etag":"`+sum("one")+`","size_bytes":3},{"path":"c/s/2"}]`)
	wantHeaders(t, h, "Etag", `"[0-9a-f]{32}"`)
	for _, path := range []string{"/c/dynamic", "/c/static"} {
		h, body := c.want(200, "GET", path, "")
		if body != "onetwo" {
			t.Errorf("%s = %q", path, body)
		}
		wantHeaders(t, h, "Etag", `"[0-9a-f]{32}"`, "Content-Length", "6")
		if _, body = c.want(206, "GET", path, "", "Range", "bytes=2-3"); body != "et" {
			t.Errorf("%s range = %q", path, body)
		}
	}
	h, _ = c.want(200, "HEAD", "/c/dynamic", "")
	wantHeaders(t, h, "X-Object-Manifest", "c/s/", "Content-Length", "6")
	h, body := c.want(200, "GET", "/c?format=json&prefix=static", "")
	wantHeaders(t, h, "X-Container-Bytes-Used", `1\d\d`) // six of them are the segments'
	if !strings.Contains(body, `"bytes":6,`) {
		t.Errorf("listing = %s, want the size that is read", body)
	}
	h, body = c.want(200, "GET", "/c/static?multipart-manifest=get", "")
	if wantHeaders(t, h, "X-Static-Large-Object", "True"); !strings.Contains(body, `"name":"/c/s/1"`) {
		t.Errorf("manifest = %s", body)
	}
	c.want(200, "DELETE", "/c/static?multipart-manifest=delete", "")
	c.want(404, "GET", "/c/s/1", "")
}

func TestSignedURLs(t *testing.T) {
	c := member(t)
	c.want(204, "POST", "", "", "X-Account-Meta-Temp-URL-Key", "secret")
	c.want(201, "PUT", "/c", "")
	until := time.Now().Unix() + 60
	anybody := client{t, c.account, ""}
	url := func(method, key, path string) string {
		full := "/object-store/v1/AUTH_" + project + path
		return fmt.Sprintf("%s?temp_url_sig=%s&temp_url_expires=%d", path, objecttest.Sign(key, method, full, until), until)
	}
	anybody.want(201, "PUT", url("PUT", "secret", "/c/o"), "x")
	anybody.want(200, "HEAD", url("PUT", "secret", "/c/o"), "")
	h, body := anybody.want(200, "GET", url("GET", "secret", "/c/o"), "")
	if wantHeaders(t, h, "Content-Disposition", "attachment; filename=o"); body != "x" {
		t.Errorf("body = %q", body)
	}
	h, _ = anybody.want(200, "GET", url("GET", "secret", "/c/o")+"&inline", "")
	wantHeaders(t, h, "Content-Disposition", "inline")
	c.want(201, "PUT", "/parts", "", "X-Container-Meta-Temp-URL-Key", "of the parts")
	c.want(201, "PUT", "/parts/1", "one")
	c.want(201, "PUT", "/parts/2", "two")
	c.want(201, "PUT", "/c/large", "", "X-Object-Manifest", "parts/1")
	if _, body := anybody.want(200, "GET", url("GET", "secret", "/c/large"), ""); body != "one" {
		t.Errorf("the parts that go with a signed object are %q", body)
	}
	c.want(204, "POST", "/c", "", "X-Container-Meta-Temp-URL-Key", "of c alone")
	anybody.want(200, "GET", url("GET", "of c alone", "/c/o"), "")
	c.want(201, "PUT", "/c/static?multipart-manifest=put", `[{"path":"parts/2"}]`)
	if _, body := anybody.want(200, "GET", url("GET", "secret", "/c/static"), ""); body != "two" {
		t.Errorf("the parts that go with a signed object are %q", body)
	}
	anybody.want(401, "GET", url("GET", "of c alone", "/c/large"), "")
	anybody.want(401, "GET", url("GET", "of c alone", "/c/static"), "")
	anybody.want(400, "PUT", url("PUT", "of c alone", "/c/o"), "", "X-Object-Manifest", "parts/1")
	c.want(201, "PUT", "/c/photos/1", "one")
	album := fmt.Sprintf("?temp_url_sig=%s&temp_url_expires=%d&temp_url_prefix=photos/",
		objecttest.Sign("secret", "GET", "prefix:/v1/AUTH_"+project+"/c/photos/", until), until)
	anybody.want(200, "GET", "/c/photos/1"+album, "")
	anybody.want(401, "GET", "/c/o"+album, "")
	anybody.want(401, "GET", "/parts/photos/1"+album, "")
	anybody.want(401, "GET", "/c/photos/1"+strings.TrimSuffix(album, "photos/"), "")
	anybody.want(401, "GET", "/c/photos/"+url("GET", "secret", "/c/o")[len("/c/o"):]+"&temp_url_prefix=", "")
	anybody.want(401, "GET", url("GET", "guess", "/c/o"), "")
	anybody.want(401, "PUT", url("GET", "secret", "/c/o"), "y")
	anybody.want(401, "GET", "/c/o?temp_url_sig=00&temp_url_expires=x", "")
}

func TestQuotasAnswer413(t *testing.T) {
	c := member(t)
	c.want(201, "PUT", "/c", "", "X-Container-Meta-Quota-Bytes", "3")
	c.want(413, "PUT", "/c/o", "four")
	c.want(201, "PUT", "/c/o", "abc")
	c.want(403, "POST", "", "", "X-Account-Meta-Quota-Bytes", "9")
}

func TestInfoIsPublic(t *testing.T) {
	c := client{t, strings.TrimSuffix(serve(t), "/v1/AUTH_"+project), ""}
	if _, body := c.want(200, "GET", "/info", ""); !strings.Contains(body, `"policies":[{"aliases":"standard","default":true,"name":"standard"}]`) {
		t.Errorf("info = %s", body)
	}
	c.want(200, "GET", "/healthcheck", "")
}
