package computeapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computeapi"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

func TestGuestsReadTheirMetadata(t *testing.T) {
	c := newCloud(t)
	c.want(200, project, "2.1", "POST os-keypairs",
		`{"keypair":{"name":"key","public_key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrS3D7jMZH1k4D4JdK1jY0+2pZzLq4c0kgJ7z5zVwQx me"}}`)
	got := c.want(202, project, "2.1", "POST servers", `{"server":{"name":"My Web","flavorRef":"1","imageRef":"`+c.image+`","key_name":"key",
		"user_data":"IyEvYmluL3No","metadata":{"k":"v"},"networks":[{"uuid":"`+c.network+`","fixed_ip":"10.0.3.3"}]}}`)
	id, _ := dig(got.body, "server", "id").(string)
	c.wait(id, "ACTIVE")
	handler := computeapi.Metadata(c.servers)
	ask := func(method, path, ip string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler(network.Guest{Network: c.network, Address: netip.MustParseAddr(ip)}, w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		return w
	}
	const here = "10.0.3.3"
	tests := []struct{ path, says string }{
		{"/", "openstack"},
		{"/", "2009-04-04"},
		{"/openstack", "latest"},
		{"/openstack/latest/", "meta_data.json"},
		{"/openstack/latest/user_data", "#!/bin/sh"},
		{"/openstack/2012-08-10/meta_data.json", id},
		{"/openstack/latest/network_data.json", "fa:16:3e"},
		{"/latest", "meta-data/"},
		{"/latest/meta-data/", "public-keys/"},
		{"/latest/meta-data/local-ipv4", here},
		{"/latest/meta-data/hostname", "my-web"},
		{"/latest/meta-data/instance-id", "i-" + id[28:]},
		{"/2009-04-04/meta-data/public-keys/", "0=key"},
		{"/latest/meta-data/public-keys/0", "openssh-key"},
		{"/latest/meta-data/public-keys/0/openssh-key", "ssh-ed25519 AAAA"},
		{"/latest/user-data", "#!/bin/sh"},
	}
	for _, tt := range tests {
		if w := ask("GET", tt.path, here); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s: %d %q does not have %q", tt.path, w.Code, w.Body, tt.says)
		}
	}
	w := ask("GET", "/openstack/latest/meta_data.json", here)
	var meta struct{ Meta map[string]string }
	must(t, json.Unmarshal(w.Body.Bytes(), &meta))
	if meta.Meta["k"] != "v" || w.Header().Get("Content-Type") != "application/json" {
		t.Error(w.Body, w.Header())
	}
	for path, status := range map[string]int{"/openstack/latest/none": 404, "/../etc/passwd": 404, "/openstack/1999-01-01/meta_data.json": 404} {
		if w := ask("GET", path, here); w.Code != status || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	if w := ask("GET", "/latest/meta-data/local-ipv4", "10.0.9.9"); w.Code != 404 {
		t.Errorf("an address without a server: %d %s", w.Code, w.Body)
	}
	if w := ask("POST", "/openstack/latest/password", here); w.Code != 405 {
		t.Errorf("writing: %d", w.Code)
	}
	if w := ask("HEAD", "/latest/meta-data/hostname", here); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d %q", w.Code, w.Body)
	}
}

// asked counts who asks for guest data.
type asked struct {
	compute.Guests
	calls []identity.Caller
	err   error
}

func (a *asked) GuestData(ctx context.Context, _ compute.GuestAddress) (compute.GuestData, error) {
	a.calls = append(a.calls, identity.CallerOf(ctx))
	return compute.GuestData{ServerID: "s", Files: map[string][]byte{"openstack/latest/meta_data.json": []byte("{}")}}, a.err
}

func TestMetadataIsAskedForOnceByTheSystem(t *testing.T) {
	guests := &asked{}
	handler := computeapi.Metadata(guests)
	ask := func(ip string) int {
		w := httptest.NewRecorder()
		handler(network.Guest{Network: "n", Address: netip.MustParseAddr(ip)}, w, httptest.NewRequestWithContext(t.Context(), "GET", "/openstack", nil))
		return w.Code
	}
	for range 3 {
		if code := ask("10.0.0.1"); code != 200 {
			t.Error(code)
		}
	}
	ask("10.0.0.2")
	if len(guests.calls) != 2 || !guests.calls[0].System {
		t.Errorf("%+v", guests.calls)
	}
	guests.err = fault.Unavailable.Errorf("not now")
	for range 2 { // a failure is not kept
		if code := ask("10.0.0.3"); code != 503 {
			t.Error(code)
		}
	}
	if len(guests.calls) != 4 {
		t.Errorf("%+v", guests.calls)
	}
}
