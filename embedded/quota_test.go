package embedded_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/volume"
)

// A limit is one that an administrator sets, and what a project then asks for in vain.
type limit struct {
	name          string
	service       string // whose limit it is
	limits        string // of alice, as JSON
	make, path    string // once over the limit
	want          int
	headers       []string
	kind          string // the type of a network's error
	first         string // a body made before, when other than make
	firstPath, at string // where, and its id in the reply; empty: not made before
}

var quotaPaths = map[string]struct{ path, key string }{
	"compute": {"/compute/v2.1/os-quota-sets/", "quota_set"},
	"network": {"/network/v2.0/quotas/", "quota"},
	"volume":  {"/volume/v3/{me}/os-quota-sets/", "quota_set"},
}

const serverBody = `{"server":{` + onlyBoot + `,"networks":"none"}}`

var limits = []limit{
	{name: "servers", service: "compute", limits: `"instances":1`, make: serverBody, path: "/compute/v2.1/servers", want: 403, headers: microversion, at: "server.id"},
	{name: "servers at once", service: "compute", limits: `"instances":1`, make: strings.Replace(serverBody, `"none"`, `"none","min_count":2`, 1), path: "/compute/v2.1/servers", want: 403, headers: microversion},
	{name: "processors", service: "compute", limits: `"cores":1`, make: serverBody, path: "/compute/v2.1/servers", want: 403, headers: microversion, at: "server.id"},
	{name: "memory", service: "compute", limits: `"ram":200`, make: serverBody, path: "/compute/v2.1/servers", want: 403, headers: microversion, at: "server.id"},
	{name: "metadata of a server", service: "compute", limits: `"metadata_items":1`, make: strings.Replace(serverBody, `"none"`, `"none","metadata":{"a":"1","b":"2"}`, 1), path: "/compute/v2.1/servers", want: 403, headers: microversion},
	{name: "keypairs", service: "compute", limits: `"key_pairs":0`, make: `{"keypair":{"name":"k"}}`, path: "/compute/v2.1/os-keypairs", want: 403},
	{name: "networks", service: "network", limits: `"network":1`, make: `{"network":{"name":"n"}}`, path: "/network/v2.0/networks", want: 409, kind: "OverQuota", at: "network.id"},
	{name: "subnets", service: "network", limits: `"subnet":0`, make: `{"subnet":{"network_id":"{first}","ip_version":4,"cidr":"10.5.0.0/24"}}`, path: "/network/v2.0/subnets", want: 409, kind: "OverQuota", first: `{"network":{}}`, firstPath: "/network/v2.0/networks", at: "network.id"},
	{name: "ports", service: "network", limits: `"port":0`, make: `{"port":{"network_id":"{first}"}}`, path: "/network/v2.0/ports", want: 409, kind: "OverQuota", first: `{"network":{}}`, firstPath: "/network/v2.0/networks", at: "network.id"},
	{name: "routers", service: "network", limits: `"router":1`, make: `{"router":{}}`, path: "/network/v2.0/routers", want: 409, kind: "OverQuota", at: "router.id"},
	{name: "floating ips", service: "network", limits: `"floatingip":1`, make: `{"floatingip":{"floating_network_id":"` + public + `"}}`, path: "/network/v2.0/floatingips", want: 409, kind: "OverQuota", at: "floatingip.id"},
	{name: "groups", service: "network", limits: `"security_group":1`, make: `{"security_group":{"name":"g"}}`, path: "/network/v2.0/security-groups", want: 409, kind: "OverQuota"},
	{name: "rules", service: "network", limits: `"security_group_rule":6`, make: `{"security_group_rule":{"security_group_id":"{first}","direction":"ingress"}}`, path: "/network/v2.0/security-group-rules", want: 409, kind: "OverQuota", first: `{"security_group":{"name":"g"}}`, firstPath: "/network/v2.0/security-groups", at: "security_group.id"},
	{name: "volumes", service: "volume", limits: `"volumes":1`, make: `{"volume":{"size":1}}`, path: "/volume/v3/{me}/volumes", want: 413, at: "volume.id"},
	{name: "size of volumes", service: "volume", limits: `"gigabytes":3`, make: `{"volume":{"size":2}}`, path: "/volume/v3/{me}/volumes", want: 413, at: "volume.id"},
	{name: "size of a volume", service: "volume", limits: `"per_volume_gigabytes":2`, make: `{"volume":{"size":3}}`, path: "/volume/v3/{me}/volumes", want: 413},
	{name: "snapshots", service: "volume", limits: `"snapshots":0`, make: `{"snapshot":{"volume_id":"{first}","force":true}}`, path: "/volume/v3/{me}/snapshots", want: 413, first: `{"volume":{"size":1}}`, firstPath: "/volume/v3/{me}/volumes", at: "volume.id"},
	{name: "growing", service: "volume", limits: `"gigabytes":1`, make: `{"os-extend":{"new_size":2}}`, path: "/volume/v3/{me}/volumes/{first}/action", want: 413, first: `{"volume":{"size":1}}`, firstPath: "/volume/v3/{me}/volumes", at: "volume.id"},
}

// TestWhatIsOverAQuotaIsNotMade in the words of each service.
func TestWhatIsOverAQuotaIsNotMade(t *testing.T) {
	w := newWorld(t)
	for _, tt := range limits {
		t.Run(tt.service+" "+tt.name, func(t *testing.T) {
			w.alice = w.alice.elsewhere(t)
			q := quotaPaths[tt.service]
			w.admin.do("PUT", q.path+w.alice.project, `{"`+q.key+`":{`+tt.limits+`}}`).want(t, 200)
			body, path := tt.make, tt.path
			if tt.at != "" {
				if tt.first == "" {
					tt.first, tt.firstPath = tt.make, tt.path
				}
				r := w.alice.do("POST", tt.firstPath, tt.first, tt.headers...).want(t, 200, 201, 202)
				id := text(r.at(tt.at))
				body, path = strings.ReplaceAll(body, "{first}", id), strings.ReplaceAll(path, "{first}", id)
				switch tt.service {
				case "volume":
					w.alice.becomes(t, "/volume/v3/{me}/volumes/"+id, "volume.status", "available")
				case "compute":
					w.alice.becomes(t, "/compute/v2.1/servers/"+id, "server.status", "ACTIVE")
				}
			}
			before := w.holds(t)
			r := w.alice.do("POST", path, body, tt.headers...).want(t, tt.want)
			r.refusal(t)
			if kind := text(r.at("NeutronError.type")); kind != tt.kind {
				t.Errorf("its type is %q", kind)
			}
			w.unchanged(t, before)
		})
	}
}

// TestDefaultQuotasAreThoseConfigured whatever the project that asks has of its own.
func TestDefaultQuotasAreThoseConfigured(t *testing.T) {
	w := newWorld(t, fx.Supply(
		compute.Config{Quota: quota.Amount{compute.ResourceServers: 7}},
		network.Config{Quota: quota.Amount{network.ResourceNetworks: 7}},
		volume.Config{Quota: quota.Amount{volume.ResourceVolumes: 7}}))
	for service, tt := range map[string]struct{ defaults, class, resource string }{
		"compute": {"/defaults", "/compute/v2.1/os-quota-class-sets/default", "instances"},
		"network": {"/default", "", "network"},
		"volume":  {"/defaults", "/volume/v3/{me}/os-quota-class-sets/default", "volumes"},
	} {
		q := quotaPaths[service]
		w.admin.do("PUT", q.path+w.alice.project, `{"`+q.key+`":{"`+tt.resource+`":3}}`).want(t, 200)
		for _, u := range []*user{w.admin, w.alice} {
			got := map[string]string{
				"its own":  fmt.Sprint(u.do("GET", q.path+u.project, "").want(t, 200).at(q.key + "." + tt.resource)),
				"defaults": fmt.Sprint(u.do("GET", q.path+u.project+tt.defaults, "").want(t, 200).at(q.key + "." + tt.resource)),
			}
			if want := map[*user]string{w.admin: "7", w.alice: "3"}[u]; got["its own"] != want || got["defaults"] != "7" {
				t.Errorf("%s for %s: %v", service, u.name, got)
			}
		}
		if tt.class != "" {
			if n := fmt.Sprint(w.admin.do("GET", tt.class, "").want(t, 200).at("quota_class_set." + tt.resource)); n != "7" {
				t.Errorf("%s: the default class says %s", service, n)
			}
		}
	}
}

// TestImagesOverAQuotaAreNotMade nor is what is over it stored.
func TestImagesOverAQuotaAreNotMade(t *testing.T) {
	w := newWorld(t)
	set := func(l quota.Amount) {
		if _, err := w.Images.SetQuota(w.system(), image.QuotaPatch{ProjectID: w.alice.project, Limits: l}); err != nil {
			t.Fatal(err)
		}
	}
	set(quota.Amount{image.ResourceImages: 1, image.ResourceSizeMiB: 1})
	id := w.alice.newImage(t, "raw")
	before := w.holds(t)
	w.alice.do("POST", "/image/v2/images", `{"name":"one too many"}`).want(t, 413).refusal(t)
	w.unchanged(t, before)
	w.alice.do("PUT", "/image/v2/images/"+id+"/file", string(random(1<<20+1)), octets...).want(t, 413).refusal(t)
	w.alice.becomes(t, "/image/v2/images/"+id, "status", "queued")
	w.unchanged(t, before)
	w.alice.do("PUT", "/image/v2/images/"+id+"/file", string(random(1<<20)), octets...).want(t, 204)
}

// TestObjectsOverAQuotaAreNotKept whether of a container or of an account.
func TestObjectsOverAQuotaAreNotKept(t *testing.T) {
	w := newWorld(t)
	const account = "/object-store/v1/AUTH_{me}"
	for name, tt := range map[string]struct {
		path    string
		headers []string
	}{
		"number in a container": {account + "/c", []string{"X-Container-Meta-Quota-Count", "1"}},
		"bytes in a container":  {account + "/c", []string{"X-Container-Meta-Quota-Bytes", "10"}},
		"bytes in an account":   {account, []string{"X-Account-Meta-Quota-Bytes", "10"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.alice = w.alice.elsewhere(t)
			w.alice.do("PUT", account+"/c", "").want(t, 201)
			w.alice.do("PUT", account+"/c/first", "12345678").want(t, 201)
			path := strings.ReplaceAll(tt.path, "{me}", w.alice.project)
			w.admin.do("POST", path, "", tt.headers...).want(t, 204)
			if tt.path == account {
				w.alice.do("POST", path, "", tt.headers...).want(t, 403).refusal(t)
			}
			before := w.holds(t)
			w.alice.do("PUT", account+"/c/second", "12345678").want(t, 413).refusal(t)
			r, err := w.alice.send("PUT", account+"/c/second", struct{ *strings.Reader }{strings.NewReader("12345678")})
			if err != nil {
				t.Fatal(err)
			}
			r.want(t, 413).refusal(t)
			w.alice.do("PUT", account+"/c/second", "", "X-Copy-From", "/c/first").want(t, 413).refusal(t)
			w.unchanged(t, before)
			w.alice.do("PUT", account+"/c/first", "87654321").want(t, 201)
		})
	}
}

// TestAQuotaHoldsWhoeverComesAtOnce.
func TestAQuotaHoldsWhoeverComesAtOnce(t *testing.T) {
	w := newWorld(t)
	for service, tt := range map[string]struct {
		limits, path, body string
		headers            []string
		made, refused      int
	}{
		"compute": {`"instances":3`, "/compute/v2.1/servers", serverBody, microversion, 202, 403},
		"network": {`"router":3`, "/network/v2.0/routers", `{"router":{}}`, nil, 201, 409},
		"volume":  {`"volumes":3`, "/volume/v3/{me}/volumes", `{"volume":{"size":1}}`, nil, 202, 413},
	} {
		t.Run(service, func(t *testing.T) {
			q := quotaPaths[service]
			w.admin.do("PUT", q.path+w.alice.project, `{"`+q.key+`":{`+tt.limits+`}}`).want(t, 200)
			got := map[int]int{}
			var mu sync.Mutex
			var wg sync.WaitGroup
			for range 12 {
				wg.Go(func() {
					r, err := w.alice.send("POST", tt.path, strings.NewReader(tt.body), tt.headers...)
					mu.Lock()
					defer mu.Unlock()
					got[r.status]++
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got[tt.made] != 3 || got[tt.refused] != 9 {
				t.Errorf("statuses are %v", got)
			}
		})
	}
}

// TestMembersDoNotSetTheirOwnLimits.
func TestMembersDoNotSetTheirOwnLimits(t *testing.T) {
	w := newWorld(t)
	before := w.holds(t)
	for service, body := range map[string]string{"compute": `"instances":-1`, "network": `"router":-1`, "volume": `"volumes":-1`} {
		q := quotaPaths[service]
		for _, project := range []string{w.alice.project, w.bob.project} {
			w.alice.do("PUT", q.path+project, `{"`+q.key+`":{`+body+`}}`).want(t, 403, 404).refusal(t)
			w.alice.do("DELETE", q.path+project, "").want(t, 403, 404).refusal(t)
		}
	}
	w.unchanged(t, before)
}
