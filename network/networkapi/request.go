package networkapi

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

// base is what every body says about a new thing, or a change.
type base struct {
	ProjectID   string                `json:"project_id"`
	TenantID    string                `json:"tenant_id"` // its older name
	Name        rest.Optional[string] `json:"name"`
	Description rest.Optional[string] `json:"description"`
	Tags        []string              `json:"tags"`
}

func (b base) spec() network.Base {
	project := b.ProjectID
	if project == "" {
		project = b.TenantID
	}
	return network.Base{ProjectID: project, Name: b.Name.Value, Description: b.Description.Value, Tags: b.Tags}
}

// patch reads a change of what every thing has; If-Match may hold a revision.
func (b base) patch(r *rest.Request) (network.BasePatch, error) {
	p := network.BasePatch{Name: given(b.Name), Description: given(b.Description)}
	text, ok := strings.CutPrefix(strings.Trim(r.Header("If-Match"), `"`), "revision_number=")
	if !ok {
		return p, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return p, fault.Invalid.Errorf("if-match: %q is not a revision number", text)
	}
	p.IfRevision = &n
	return p, nil
}

// given returns what was given, null as the zero value, and nil for what was not.
func given[T any](o rest.Optional[T]) *T {
	if !o.Given {
		return nil
	}
	return &o.Value
}

// list returns the handler of a list.
func list[T any, V rest.Marked](key string, keys []string, find func(context.Context, network.Query) (page.Of[T], error), show func(*rest.Request, T) V) rest.Handler {
	rules := rest.Paging{Links: rest.BothLinks, Sort: []page.Sort{{Key: "created_at"}}, Keys: map[string]string{
		"id": "id", "name": "name", "created_at": "created_at", "project_id": "project_id", "tenant_id": "project_id",
	}}
	for _, k := range keys {
		wire, name, renamed := strings.Cut(k, "=")
		if !renamed {
			name = wire
		}
		rules.Keys[wire] = name
	}
	return func(r *rest.Request) (rest.Response, error) {
		query, fields, err := read(r, rules)
		if err != nil {
			return rest.Response{}, err
		}
		found, err := find(r.Context(), query)
		return rest.ReplyPage(r, key, page.Map(found, func(t T) V { return show(r, t) })).Only(fields...), err
	}
}

// read reads what a list is asked for. Every other parameter bounds an attribute.
func read(r *rest.Request, rules rest.Paging) (network.Query, []string, error) {
	q := r.Query()
	query := network.Query{
		Query: q.Page(rules),
		Tags:  q.List("tags"), AnyTags: q.List("tags-any"), NotTags: q.List("not-tags"), NoneOfTags: q.List("not-tags-any"),
	}
	if since := q.String("changed_since"); since != "" {
		var err error
		if query.ChangedSince, err = time.Parse(time.RFC3339, strings.TrimSuffix(since, "Z")+"Z"); err != nil {
			return query, nil, fault.Invalid.Errorf("changed_since: %q is not a time such as 2027-01-31T12:00:00Z", since)
		}
	}
	fields := q.List("fields")
	query.Where = q.Others()
	return query, fields, q.Err()
}

// one returns the handler that shows a thing by its id.
func one[T, V any](key string, find func(context.Context, string) (T, error), show func(*rest.Request, T) V) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		t, err := find(r.Context(), r.Param("id"))
		return rest.ReplyUnder(key, show(r, t)).Only(r.Query().List("fields")...), err
	}
}

// drop returns the handler that deletes a thing by its id.
func drop(remove func(context.Context, string) error) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) { return rest.Empty(), remove(r.Context(), r.Param("id")) }
}

// A maker makes one kind of thing out of bodies W.
type maker[W, T, V any] struct {
	key    string // "network"
	create func(*rest.Request, W) (T, error)
	undo   func(context.Context, T) error
	show   func(*rest.Request, T) V
}

// make answers a creation of one thing, or of many: then all are made or none.
func (m maker[W, T, V]) make(r *rest.Request, one *W, many []W) (rest.Response, error) {
	if one != nil {
		t, err := m.create(r, *one)
		return rest.ReplyUnder(m.key, m.show(r, t)), err
	}
	if len(many) == 0 {
		return rest.Response{}, fault.Invalid.Errorf("the body holds neither %s nor %ss", m.key, m.key)
	}
	if len(many) > page.MaxLimit {
		return rest.Response{}, fault.Invalid.Errorf("at most %d %ss can be made at once", page.MaxLimit, m.key)
	}
	var made []T
	views := make([]V, 0, len(many))
	for _, w := range many {
		t, err := m.create(r, w)
		if err != nil {
			for _, t := range made {
				_ = m.undo(r.Context(), t) // the first error says why
			}
			return rest.Response{}, err
		}
		made, views = append(made, t), append(views, m.show(r, t))
	}
	return rest.ReplyUnder(m.key+"s", views), nil
}

// orNull returns text, or null where it is empty.
func orNull[T ~string](text T) *T {
	if text == "" {
		return nil
	}
	return &text
}

// words returns an address as text, or null where it is missing.
func words(a netip.Addr) *string {
	if !a.IsValid() {
		return nil
	}
	s := a.String()
	return &s
}

// parseAddr reads an address; empty is none.
func parseAddr(what, s string) (netip.Addr, error) {
	if s == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return a, fault.Invalid.Errorf("invalid input for %s. Reason: '%s' is not a valid IP address", what, s)
	}
	return a, nil
}

// parsePrefix reads a range of addresses, or a single one.
func parsePrefix(what, s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fault.Invalid.Errorf("invalid input for %s. Reason: '%s' is not a valid CIDR", what, s)
	}
	return p, nil
}

// standard is what every thing is shown with.
type standard struct {
	ID          string    `json:"id"`
	ProjectID   string    `json:"project_id"`
	TenantID    string    `json:"tenant_id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Tags        []string  `json:"tags"`
	Revision    int64     `json:"revision_number"`
	CreatedAt   time.Time `json:"created_at" time:"z"`
	UpdatedAt   time.Time `json:"updated_at" time:"z"`
}

// Marker implements rest.Marked.
func (s standard) Marker() string { return s.ID }

func standardOf[ID ~string](id ID, a network.Attributes) standard {
	return standard{
		ID: string(id), ProjectID: a.ProjectID, TenantID: a.ProjectID, Name: a.Name, Description: a.Description,
		Tags: a.Tags, Revision: a.Revision, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}
