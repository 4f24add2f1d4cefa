package dns

import (
	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

// NewFace returns the HTTP face of s. Clients find it in the catalog.
func NewFace(s Service) rest.Face {
	f := face{s}
	return rest.Face{
		Name: "dns", Prefix: "/dns", Dialect: dialect.Keyed,
		Services: []rest.Service{{Type: "dns-records", Name: "dns", Path: "/v1"}},
		Routes: []rest.Route{
			rest.GET("/v1/records", f.list),
			rest.GET("/v1/records/{id}", f.show),
		},
	}
}

type face struct{ records Service }

// record is a Record on the wire.
type record struct {
	ServerID string `json:"server_id"`
	Name     string `json:"name"`
	Address  string `json:"address"`
}

func view(r Record) record { return record{string(r.ServerID), r.Name, r.Address} }

func (f face) list(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	asked := q.Page(rest.Paging{Links: rest.NextLink})
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	p, err := f.records.Records(r.Context(), asked)
	return rest.ReplyPage(r, "records", page.Map(p, view)), err
}

func (f face) show(r *rest.Request) (rest.Response, error) {
	found, err := f.records.Record(r.Context(), compute.ServerID(r.Param("id")))
	return rest.ReplyUnder("record", view(found)), err
}
