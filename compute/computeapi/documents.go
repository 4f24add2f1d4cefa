package computeapi

import "github.com/nacre-cloud/nacre/kit/rest"

// documents are what clients read to learn the versions. They look for the self
// link of a version in the list and expect the same one in its own document.
var documents = []rest.Document{
	{Path: "/", Body: map[string]any{"versions": []version{legacy, current}}},
	{Path: "/v2", Body: map[string]any{"version": legacy.described()}},
	{Path: "/v2.1", Body: map[string]any{"version": current.described()}},
}

type version struct {
	ID      string      `json:"id"`
	Status  string      `json:"status"`
	Version string      `json:"version"`
	Min     string      `json:"min_version"`
	Updated string      `json:"updated"`
	Links   []rest.Link `json:"links"`
	Types   []mediaType `json:"media-types,omitempty"`
}

type mediaType struct {
	Base string `json:"base"`
	Type string `json:"type"`
}

var (
	legacy = version{
		ID: "v2.0", Status: "SUPPORTED", Updated: "2011-01-21T11:33:21Z",
		Links: []rest.Link{{Rel: "self", Href: "{base}/v2/"}},
	}
	current = version{
		ID: "v2.1", Status: "CURRENT", Version: newest, Min: oldest, Updated: "2013-07-23T11:33:21Z",
		Links: []rest.Link{{Rel: "self", Href: "{base}/v2.1/"}},
	}
)

// described returns v as its own document shows it.
func (v version) described() version {
	number := v.ID[1:]
	if v.Version == "" {
		number = "2"
	}
	v.Types = []mediaType{{"application/json", "application/vnd.openstack.compute+json;version=" + number}}
	return v
}
