package compute

import (
	"context"
	"slices"
	"strings"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/page"
)

// load returns a server with what is under way.
func (m *Manager) load(ctx context.Context, id ServerID) (Server, error) {
	open, err := flow.Open(ctx, m.db.Read(), subject(id))
	if err != nil {
		return Server{}, err
	}
	s, err := loadServer(ctx, m.db.Read(), id)
	addDoing(open, []*Server{&s})
	return s, err
}

func addDoing(open map[string]flow.Progress, servers []*Server) {
	for _, s := range servers {
		p := open[subject(s.ID)]
		if p.Flow == observing {
			continue
		}
		s.Doing = Doing{Flow: p.Flow, Step: p.Step}
	}
}

// pointers returns the addresses of the elements of list.
func pointers[T any](list []T) []*T {
	out := make([]*T, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}

// allowed loads a server that the caller may do action to.
func (m *Manager) allowed(ctx context.Context, id ServerID, action string) (Server, error) {
	s, err := m.Server(ctx, id)
	if err != nil {
		return Server{}, err
	}
	return s, identity.Allow(ctx, action, s)
}

// Server implements Service.
func (m *Manager) Server(ctx context.Context, id ServerID) (Server, error) {
	s, err := m.load(ctx, id)
	if err != nil {
		return Server{}, err
	}
	return s, identity.Hide(identity.Allow(ctx, "server:show", s), "server", string(id))
}

// Servers implements Service.
func (m *Manager) Servers(ctx context.Context, q Query) (page.Of[Server], error) {
	project, err := identity.ProjectToList(ctx, "server:list", q.ProjectID, q.AllProjects)
	if err != nil {
		return page.Of[Server]{}, err
	}
	open, err := flow.Open(ctx, m.db.Read())
	if err != nil {
		return page.Of[Server]{}, err
	}
	out, err := listServers(ctx, m.db.Read(), project, q)
	addDoing(open, pointers(out.Items))
	return out, err
}

// UpdateServer implements Service.
func (m *Manager) UpdateServer(ctx context.Context, p Patch) (Server, error) {
	s, err := m.allowed(ctx, p.ID, "server:update")
	if err != nil {
		return Server{}, err
	}
	doing := s.Doing
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		err := changeServer(ctx, tx, p.ID, "", func(row *Server) {
			apply(row, p)
			s = *row
		})
		if err != nil {
			return err
		}
		return m.checkServer(ctx, tx, &s)
	})
	s.Doing = doing
	return s, err
}

func apply(s *Server, p Patch) {
	for field, value := range map[*string]*string{
		&s.Name: p.Name, &s.Description: p.Description, &s.Hostname: p.Hostname, &s.AccessIPv4: p.AccessIPv4, &s.AccessIPv6: p.AccessIPv6,
	} {
		if value != nil {
			*field = strings.TrimSpace(*value)
		}
	}
	if p.Metadata != nil {
		s.Metadata = p.Metadata
	}
	s.Metadata = db.Merge(s.Metadata, p.MetadataItems)
	if p.Tags != nil {
		s.Tags = p.Tags
	}
	s.Tags = db.MergeTags(s.Tags, p.AddTags, p.RemoveTags)
	slices.Sort(s.Tags)
	s.Tags = slices.Compact(s.Tags)
}

// ConsoleLog implements Service.
func (m *Manager) ConsoleLog(ctx context.Context, spec ConsoleSpec) (string, error) {
	s, err := m.allowed(ctx, spec.ID, "server:console")
	if err != nil {
		return "", err
	}
	if s.Host == "" {
		return "", ErrState.Errorf("server %s is %s and has no console", s.ID, s.Status)
	}
	d, err := m.driver(s.Host)
	if err != nil {
		return "", err
	}
	const most = 256 << 10
	log, err := d.ConsoleLog(ctx, s.ID, most)
	if err != nil {
		return "", fault.Internal.Wrap(err, "host %s", s.Host)
	}
	return lastLines(string(log), spec.Lines), nil
}

func lastLines(s string, n int) string {
	if n <= 0 {
		return s
	}
	end := len(strings.TrimRight(s, "\n"))
	for at := end; ; n-- {
		at = strings.LastIndexByte(s[:at], '\n')
		if at < 0 {
			return s
		}
		if n == 1 {
			return s[at+1:]
		}
	}
}
