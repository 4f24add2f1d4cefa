package microversion_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// A benchServer is as large as what a detailed list of servers shows of each.
type benchServer struct {
	ID          string                    `json:"id"`
	Name        string                    `json:"name"`
	Status      string                    `json:"status"`
	ProjectID   string                    `json:"tenant_id"`
	UserID      string                    `json:"user_id"`
	Metadata    map[string]string         `json:"metadata"`
	HostID      string                    `json:"hostId"`
	Image       map[string]any            `json:"image"`
	Flavor      benchFlavor               `json:"flavor"`
	Created     time.Time                 `json:"created" time:"z"`
	Updated     time.Time                 `json:"updated" time:"z"`
	Addresses   map[string][]benchAddress `json:"addresses"`
	AccessIPv4  string                    `json:"accessIPv4"`
	AccessIPv6  string                    `json:"accessIPv6"`
	Links       []benchLink               `json:"links"`
	DiskConfig  string                    `json:"OS-DCF:diskConfig"`
	Progress    int                       `json:"progress"`
	Zone        string                    `json:"OS-EXT-AZ:availability_zone"`
	ConfigDrive string                    `json:"config_drive"`
	KeyName     *string                   `json:"key_name"`
	LaunchedAt  *time.Time                `json:"OS-SRV-USG:launched_at" time:"micro"`
	StoppedAt   *time.Time                `json:"OS-SRV-USG:terminated_at" time:"micro"`
	Groups      []map[string]string       `json:"security_groups"`
	Host        string                    `json:"OS-EXT-SRV-ATTR:host" since:"2.3"`
	TaskState   *string                   `json:"OS-EXT-STS:task_state"`
	VMState     string                    `json:"OS-EXT-STS:vm_state"`
	PowerState  int                       `json:"OS-EXT-STS:power_state"`
	Volumes     []benchVolume             `json:"os-extended-volumes:volumes_attached"`
	Locked      bool                      `json:"locked" since:"2.9"`
	Description *string                   `json:"description" since:"2.19"`
	Tags        []string                  `json:"tags" since:"2.26"`
}

type benchFlavor struct {
	ID    string      `json:"id"`
	Links []benchLink `json:"links"`
}

type benchAddress struct {
	MAC     string `json:"OS-EXT-IPS-MAC:mac_addr"`
	Version int    `json:"version"`
	Address string `json:"addr"`
	Type    string `json:"OS-EXT-IPS:type"`
}

type benchLink struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

type benchVolume struct {
	ID     string `json:"id"`
	Delete bool   `json:"delete_on_termination" since:"2.3"`
}

func benchServers(n int) []benchServer {
	now, key := time.Now().UTC(), "key"
	list := make([]benchServer, n)
	for i := range list {
		id := fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
		links := []benchLink{{"self", "http://127.0.0.1/compute/v2.1/servers/" + id}, {"bookmark", "http://127.0.0.1/compute/servers/" + id}}
		list[i] = benchServer{
			ID: id, Name: "server-" + id, Status: "ACTIVE", ProjectID: id, UserID: id, HostID: id,
			Metadata: map[string]string{"role": "web", "tier": "front", "owner": "someone"},
			Image:    map[string]any{"id": id, "links": links[1:]}, Flavor: benchFlavor{"1", links[1:]},
			Created: now, Updated: now, LaunchedAt: &now, KeyName: &key, Links: links, VMState: "active", PowerState: 1,
			Addresses: map[string][]benchAddress{"private": {{"fa:16:3e:00:00:01", 4, "10.0.0.5", "fixed"}, {"fa:16:3e:00:00:01", 4, "192.0.2.5", "floating"}}},
			Groups:    []map[string]string{{"name": "default"}}, Volumes: []benchVolume{{ID: id}}, Tags: []string{"a", "b"},
			DiskConfig: "AUTO", Zone: "nova", Host: "node1",
		}
	}
	return list
}

func BenchmarkEncode1000Servers(b *testing.B) {
	list := benchServers(1000)
	b.Run("microversion", func(b *testing.B) {
		var buf []byte
		o := microversion.Options{Version: microversion.MustParse("2.79")}
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if buf, err = microversion.Append(buf[:0], list, o); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(len(buf)))
	})
	b.Run("encoding/json", func(b *testing.B) {
		var buf bytes.Buffer
		e := json.NewEncoder(&buf)
		e.SetEscapeHTML(false)
		b.ReportAllocs()
		for b.Loop() {
			buf.Reset()
			if err := e.Encode(list); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(buf.Len()))
	})
}

type benchCreate struct {
	Name     string              `json:"name" required:"true" max:"255"`
	Image    string              `json:"imageRef"`
	Flavor   string              `json:"flavorRef" required:"true"`
	Networks []map[string]string `json:"networks"`
	Metadata map[string]string   `json:"metadata"`
	Groups   []benchVolume       `json:"security_groups"`
	Key      string              `json:"key_name"`
}

func BenchmarkDecodeServer(b *testing.B) {
	body := []byte(`{"server":{"name":"web-1","imageRef":"00000000-0000-4000-8000-000000000000","flavorRef":"1",
		"networks":[{"uuid":"00000000-0000-4000-8000-000000000001"}],"metadata":{"role":"web","tier":"front"},
		"security_groups":[{"id":"default"}],"key_name":"key"}}`)
	b.Run("microversion", func(b *testing.B) {
		o := microversion.Options{Version: microversion.MustParse("2.79"), Strict: true, Key: "server"}
		b.ReportAllocs()
		for b.Loop() {
			var in benchCreate
			if err := microversion.Decode(body, &in, o); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var in struct {
				Server benchCreate `json:"server"`
			}
			if err := json.Unmarshal(body, &in); err != nil {
				b.Fatal(err)
			}
		}
	})
}
