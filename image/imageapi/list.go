package imageapi

import (
	"encoding/csv"
	"slices"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// paging is how the list of images is asked for.
var paging = rest.Paging{
	ZeroIsNone: true,
	Descending: true,
	Keys: map[string]string{
		"name": "name", "status": "status", "container_format": "container_format", "disk_format": "disk_format",
		"size": "size", "id": "id", "created_at": "created_at", "updated_at": "updated_at",
	},
	Sort:  []page.Sort{{Key: "created_at", Descending: true}},
	Links: rest.PathLinks,
}

func (a *api) list(r *rest.Request) (rest.Response, error) {
	q, err := query(r.Query())
	if err != nil {
		return rest.Response{}, err
	}
	p, err := a.Images(r.Context(), q)
	if err != nil {
		return rest.Response{}, err
	}
	return rest.ReplyPage(r, "images", page.Map(p, body)).And("schema", "/v2/schemas/images"), nil
}

// query reads what the list shall hold. What is not a filter of the API is one
// on a property.
func query(in *rest.Query) (image.Query, error) {
	f := filters{Query: in}
	q := image.Query{
		Query:     in.Page(paging),
		ProjectID: in.String("owner"), MD5: in.String("checksum"), SHA512: in.String("os_hash_value"),
		Visibility:   image.Visibility(f.oneOf("visibility", "private", "shared", "community", "public", "all")),
		MemberStatus: image.MemberStatus(f.oneOf("member_status", "pending", "accepted", "rejected", "all")),
		Hidden:       in.Bool("os_hidden", false), Protected: in.OptionalBool("protected"),
		Names: f.any("name"), DiskFormats: f.any("disk_format"), ContainerFormats: f.any("container_format"),
		IDs: as[image.ID](f.any("id")), Statuses: as[image.Status](f.any("status")),
		MinDiskGiB: f.count("min_disk"), MinMemoryMiB: f.count("min_ram"),
		Created: f.moment("created_at"), Updated: f.moment("updated_at"),
		Tags: in.Strings("tag"), MinBytes: int64(or(f.count("size_min"))),
	}
	if most := f.count("size_max"); most != nil {
		q.MaxBytes = ptr(int64(*most))
	}
	if size := f.count("size"); size != nil {
		q.MinBytes, q.MaxBytes = int64(*size), ptr(int64(*size))
	}
	for name, values := range in.Others() {
		if q.Properties == nil {
			q.Properties = map[string]string{}
		}
		q.Properties[name] = values[len(values)-1]
	}
	if f.wrong != nil {
		return q, f.wrong
	}
	return q, in.Err()
}

// filters reads what only this API has, and remembers the first that was wrong.
type filters struct {
	*rest.Query
	wrong error
}

func (f *filters) fail(format string, args ...any) {
	if f.wrong == nil {
		f.wrong = fault.Invalid.Errorf(format, args...)
	}
}

// any reads a value, or several as in:a,b,"c,d".
func (f *filters) any(name string) []string {
	if !f.Has(name) {
		return nil
	}
	value := f.String(name)
	list, several := strings.CutPrefix(value, "in:")
	if !several {
		return []string{value}
	}
	values, err := csv.NewReader(strings.NewReader(list)).Read()
	if err != nil {
		f.fail("%s: %.80q is not a list of values separated by commas", name, list)
	}
	return values
}

func (f *filters) oneOf(name string, values ...string) string {
	v := f.String(name)
	if f.Has(name) && !slices.Contains(values, v) {
		f.fail("%s: %.40q is not one of %s", name, v, strings.Join(values, ", "))
	}
	return v
}

// count reads a number that is not negative; nil when it is absent.
func (f *filters) count(name string) *int {
	if !f.Has(name) {
		return nil
	}
	n := f.Int(name, 0)
	if n < 0 {
		f.fail("%s must not be negative", name)
	}
	return &n
}

var layouts = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly}

// moment reads a time with or without a comparison, such as gte:2027-01-01T00:00:00Z.
func (f *filters) moment(name string) image.Moment {
	text := f.String(name)
	if text == "" {
		return image.Moment{}
	}
	compare := "eq"
	if op, rest, found := strings.Cut(text, ":"); found && slices.Contains([]string{"eq", "neq", "lt", "lte", "gt", "gte"}, op) {
		compare, text = op, rest
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return image.Moment{Compare: compare, Time: t}
		}
	}
	f.fail("%s: %.40q is not a time such as gte:2027-01-31T12:00:00Z", name, text)
	return image.Moment{}
}

func as[T ~string](list []string) []T {
	out := make([]T, len(list))
	for i, s := range list {
		out[i] = T(s)
	}
	return out
}

func ptr[T any](v T) *T { return &v }
