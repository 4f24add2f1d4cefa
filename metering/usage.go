package metering

import (
	"context"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// Usage returns what projects used.
func (m *Manager) Usage(ctx context.Context, q UsageQuery) (page.Of[ProjectUsage], error) {
	action, target := "metering:usage", identity.Target(identity.InProject(q.ProjectID))
	if q.ProjectID == "" {
		action, target = "metering:list-all", nil
	}
	if err := identity.Allow(ctx, action, target); err != nil {
		return page.Of[ProjectUsage]{}, err
	}
	if !q.From.Before(q.To) {
		return page.Of[ProjectUsage]{}, fault.Invalid.Errorf("usage from %s to %s: the end must come after the start", q.From.Format(time.RFC3339), q.To.Format(time.RFC3339))
	}
	spans, next, err := spansBetween(ctx, m.db.Read(), q)
	if err != nil {
		return page.Of[ProjectUsage]{}, err
	}
	out := page.Of[ProjectUsage]{Next: next}
	now := m.now()
	for _, s := range spans {
		if n := len(out.Items); n == 0 || out.Items[n-1].ProjectID != s.ProjectID {
			out.Items = append(out.Items, ProjectUsage{ProjectID: s.ProjectID, From: q.From, To: q.To})
		}
		out.Items[len(out.Items)-1].add(ServerUsage{s, s.Between(q.From, q.To, now)})
	}
	return out, nil
}

// Join returns two pages of usage that follow each other as one.
func Join(a, b page.Of[ProjectUsage]) page.Of[ProjectUsage] {
	a.Next = b.Next
	for _, p := range b.Items {
		last := len(a.Items) - 1
		if last < 0 || a.Items[last].ProjectID != p.ProjectID {
			a.Items = append(a.Items, p)
			continue
		}
		for _, s := range p.Servers {
			a.Items[last].add(s)
		}
	}
	return a
}
