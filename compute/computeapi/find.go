package computeapi

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

var serverPaging = rest.Paging{
	ZeroIsNone: true, Descending: true, Links: rest.NextLink,
	Keys: map[string]string{
		"availability_zone": "availability_zone", "config_drive": "config_drive", "created_at": "created_at",
		"display_description": "display_description", "display_name": "display_name", "host": "host", "image_ref": "image_ref",
		"instance_type_id": "instance_type_id", "key_name": "key_name", "launch_index": "launch_index", "launched_at": "launched_at",
		"locked": "locked", "node": "host", "project_id": "project_id", "updated_at": "updated_at", "user_id": "user_id",
		"uuid": "uuid", "vm_state": "vm_state",
	},
}

// A search is what a list asks for: the Service's query, and what it cannot
// express.
type search struct {
	compute.Query
	keep    []func(*compute.Server) bool
	nothing bool
}

// find answers the query of a list of servers.
func (a *api) find(r *rest.Request) (page.Of[compute.Server], error) {
	var none page.Of[compute.Server]
	s, err := readSearch(r)
	if err != nil || s.nothing {
		return none, err
	}
	if s.Marker != "" {
		if _, err := a.Server(r.Context(), compute.ServerID(s.Marker)); err != nil {
			return none, badMarker(s.Marker, err)
		}
	}
	if len(s.keep) == 0 {
		return a.Servers(r.Context(), s.Query)
	}
	return sift(r.Context(), s.Query.Query,
		func(ctx context.Context, q page.Query) (page.Of[compute.Server], error) {
			s.Query.Query = q
			return a.Servers(ctx, s.Query)
		},
		func(server *compute.Server) bool {
			return !slices.ContainsFunc(s.keep, func(keep func(*compute.Server) bool) bool { return !keep(server) })
		},
		func(server *compute.Server) string { return string(server.ID) })
}

func badMarker(marker string, err error) error {
	if fault.Of(err) != fault.NotFound {
		return err
	}
	return fault.Invalid.Errorf("marker [%s] not found", marker)
}

// sift reads pages until as many items as were asked for are kept.
func sift[T any](ctx context.Context, q page.Query, list func(context.Context, page.Query) (page.Of[T], error), keep func(*T) bool, id func(*T) string) (page.Of[T], error) {
	var out page.Of[T]
	want := q.Size()
	for q.Limit = 0; ; q.Offset = 0 {
		p, err := list(ctx, q)
		if err != nil {
			return out, err
		}
		for i := range p.Items {
			if !keep(&p.Items[i]) {
				continue
			}
			if len(out.Items) == want {
				out.Next = id(&out.Items[want-1])
				return out, nil
			}
			out.Items = append(out.Items, p.Items[i])
		}
		if q.Marker = p.Next; q.Marker == "" {
			return out, nil
		}
	}
}

func readSearch(r *rest.Request) (search, error) {
	q := r.Query()
	s := search{Query: compute.Query{
		Query: q.Page(serverPaging), AllProjects: allProjects(q), UserID: q.String("user_id"), FlavorID: q.String("flavor"),
		ImageID: cmp.Or(q.String("image"), q.String("image_ref")), Host: cmp.Or(q.String("host"), q.String("node")), KeyName: q.String("key_name"),
		AvailabilityZone: q.String("availability_zone"), ReservationID: q.String("reservation_id"),
	}}
	if project := cmp.Or(q.String("project_id"), q.String("tenant_id")); s.AllProjects {
		s.ProjectID = project
	}
	if id := q.String("uuid"); id != "" {
		s.IDs = []compute.ServerID{compute.ServerID(id)}
	}
	if r.Since("2.26") {
		s.Tags, s.TagsAny, s.NotTags, s.NotTagsAny = q.List("tags"), q.List("tags-any"), q.List("not-tags"), q.List("not-tags-any")
	}
	if r.Since("2.73") {
		s.Locked = q.OptionalBool("locked")
	}
	// Only administrators may ask for what is gone, and then there is nothing.
	s.nothing = operator(r) && (q.Bool("deleted", false) || q.Bool("soft_deleted", false))
	for _, read := range []func(*rest.Request, *rest.Query, *search) error{readTimes, readStatus, readNames, readAddresses} {
		if err := read(r, q, &s); err != nil {
			return s, err
		}
	}
	if r.Since("2.75") {
		for _, name := range ignored {
			q.Has(name)
		}
		return s, q.NoMore()
	}
	return s, q.Err()
}

// ignored are filters that clients may send and that no server here fails.
var ignored = []string{
	"access_ip_v4", "access_ip_v6", "auto_disk_config", "config_drive", "created_at", "deleted", "description", "display_description",
	"hostname", "instance_name", "kernel_id", "launch_index", "launched_at", "limit", "marker", "not-tags", "progress", "ramdisk_id",
	"root_device_name", "soft_deleted", "sort_dir", "sort_key", "terminated_at", "updated_at", "tags", "locked", "changes-before",
}

func allProjects(q *rest.Query) bool {
	if q.Has("all_tenants") {
		return q.Flag("all_tenants")
	}
	return q.Has("all_projects") && q.Flag("all_projects")
}

func readTimes(r *rest.Request, q *rest.Query, s *search) error {
	var err error
	if s.ChangedSince, err = moment("changes-since", q.String("changes-since")); err != nil || !r.Since("2.66") {
		return err
	}
	if s.ChangedBefore, err = moment("changes-before", q.String("changes-before")); err != nil {
		return err
	}
	if s.ChangedBefore != 0 && s.ChangedSince > s.ChangedBefore {
		return fault.Invalid.Errorf("changes-since must not be later than changes-before")
	}
	return nil
}

// moment reads a time into seconds since 1970.
func moment(name, s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	t, err := microversion.ParseTime(strings.ReplaceAll(s, " ", "+"), "")
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05-0700", s)
	}
	if err != nil {
		return 0, fault.Invalid.Errorf("%s: %q is not a time such as 2027-01-31T15:04:05Z", name, s)
	}
	return t.Unix(), nil
}

func readStatus(r *rest.Request, q *rest.Query, s *search) error {
	if asked := q.Strings("status"); len(asked) > 0 {
		var wanted []string
		for _, one := range asked {
			one = strings.ToUpper(one)
			if _, ok := knownStatuses[one]; !ok && r.Since("2.38") {
				return fault.Invalid.Errorf("%q is not a status of servers", one)
			}
			wanted = append(wanted, one)
			s.Status = append(s.Status, knownStatuses[one]...)
		}
		s.nothing = s.nothing || len(s.Status) == 0
		s.keep = append(s.keep, func(server *compute.Server) bool { return slices.Contains(wanted, lookOf(server).status) })
	}
	if state := q.String("vm_state"); state != "" {
		s.keep = append(s.keep, func(server *compute.Server) bool { return lookOf(server).vmState == state })
	}
	if state := q.String("task_state"); state != "" {
		s.keep = append(s.keep, func(server *compute.Server) bool {
			t := taskOf(server.Doing)
			return t != nil && *t == state
		})
	}
	if q.Has("power_state") {
		state := q.Int("power_state", 0)
		s.keep = append(s.keep, func(server *compute.Server) bool { return lookOf(server).power == state })
	}
	return nil
}

// readNames reads the name filter, which is a pattern.
func readNames(_ *rest.Request, q *rest.Query, s *search) error {
	name := cmp.Or(q.String("name"), q.String("display_name"))
	if regexp.QuoteMeta(name) == name {
		s.Name = name
		return nil
	}
	pattern, err := compile("name", name)
	s.keep = append(s.keep, func(server *compute.Server) bool { return pattern.MatchString(server.Name) })
	return err
}

func readAddresses(_ *rest.Request, q *rest.Query, s *search) error {
	for parameter, six := range map[string]bool{"ip": false, "ip6": true} {
		ip := q.String(parameter)
		if ip == "" {
			continue
		}
		pattern, err := compile(parameter, ip)
		if err != nil {
			return err
		}
		s.keep = append(s.keep, func(server *compute.Server) bool {
			return slices.ContainsFunc(server.NICs, func(n compute.ServerNIC) bool {
				return slices.ContainsFunc(n.Addresses, func(a compute.Address) bool {
					return strings.Contains(a.IP, ":") == six && pattern.MatchString(a.IP)
				})
			})
		})
	}
	return nil
}

// longestPattern bounds what a filter may cost.
const longestPattern = 255

func compile(parameter, pattern string) (*regexp.Regexp, error) {
	if len(pattern) > longestPattern {
		return nil, fault.Invalid.Errorf("%s: the pattern is longer than %d characters", parameter, longestPattern)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fault.Invalid.Errorf("%s: %q is not a pattern: %w", parameter, pattern, err)
	}
	return re, nil
}
