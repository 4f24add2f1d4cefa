package scheduler

import (
	"context"
	"errors"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

const (
	fresh       = time.Minute // the index is read again when it is older
	freshEnough = time.Second // and before it is believed that nothing fits
	attempts    = 100         // claims lost to other schedulers before Place says "not now"
	maxClasses  = 16
	maxAmount   = 1 << 40
	maxNames    = 1000 // traits, excluded hosts
)

// errLost says that the host has not the room that the index believed in.
var errLost = errors.New("claim lost")

// Place finds a host for a consumer and takes the room there.
func (m *Manager) Place(ctx context.Context, spec PlaceSpec) (Placement, error) {
	if err := identity.Allow(ctx, "scheduler:place", identity.InProject(spec.ProjectID)); err != nil {
		return Placement{}, err
	}
	if err := spec.check(); err != nil {
		return Placement{}, err
	}
	spec.Resources = spec.Resources.wanted()
	for _, age := range []time.Duration{fresh, freshEnough} {
		if err := m.refresh(ctx, age); err != nil {
			return Placement{}, err
		}
		p, found, err := m.tryHosts(ctx, spec)
		if found || err != nil {
			return p, err
		}
	}
	p, err := loadPlacement(ctx, m.db.Read(), spec.ID)
	if errors.Is(err, fault.NotFound) {
		return Placement{}, m.noRoom(ctx, spec)
	}
	return p, err
}

// tryHosts claims room on one host after the other until a claim holds, or the
// index offers none.
func (m *Manager) tryHosts(ctx context.Context, spec PlaceSpec) (p Placement, found bool, err error) {
	for range attempts {
		host, name, ok := m.index.pick(spec, m.now(), m.how)
		if !ok {
			return Placement{}, false, nil
		}
		p, taken, err := m.claim(ctx, Placement{
			ConsumerID: spec.ID, HostID: host, HostName: name, ProjectID: spec.ProjectID,
			UserID: identity.CallerOf(ctx).UserID, Resources: spec.Resources, CreatedAt: m.now(),
		})
		if errors.Is(err, errLost) {
			if err := m.reread(ctx, host); err != nil {
				return Placement{}, false, err
			}
			continue
		}
		if !taken {
			m.index.give(host, spec.Resources)
		}
		return p, err == nil, err
	}
	return Placement{}, false, fault.Unavailable.Errorf("place %s: too many schedulers want the same hosts", spec.ID)
}

// claim writes p and takes its room in one transaction. It is not taken when
// the consumer is placed already: then held says where.
func (m *Manager) claim(ctx context.Context, p Placement) (held Placement, taken bool, err error) {
	held = p
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockHost(ctx, tx, p.HostID); err != nil {
			return err
		}
		if taken, err = insertPlacement(ctx, tx, p); err != nil {
			return err
		}
		if !taken {
			held, err = loadPlacement(ctx, tx, p.ConsumerID)
			if errors.Is(err, fault.NotFound) {
				return errLost // the host is disabled or gone
			}
			return err
		}
		if fits, err := takeRoom(ctx, tx, p.HostID, p.Resources); err != nil || fits {
			return err
		}
		return errLost
	})
	return held, taken && err == nil, err
}

// lockHost makes claims on one host take turns where the database has many
// writers: they update the same rows and must not do so in different orders.
func lockHost(ctx context.Context, tx *db.Tx, host HostID) error {
	return tx.Lock(ctx, "scheduler/host/"+string(host))
}

// Release gives a consumer's room back.
func (m *Manager) Release(ctx context.Context, consumer ConsumerID) error {
	if err := identity.Allow(ctx, "scheduler:release", nil); err != nil {
		return err
	}
	p, err := loadPlacement(ctx, m.db.Read(), consumer)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockHost(ctx, tx, p.HostID); err != nil {
			return err
		}
		removed, err := removePlacement(ctx, tx, p)
		if err != nil || !removed {
			return err
		}
		tx.AfterCommit(func() { m.index.give(p.HostID, p.Resources) })
		return giveRoom(ctx, tx, p.HostID, p.Resources)
	})
}

// Placement returns what a consumer holds.
func (m *Manager) Placement(ctx context.Context, consumer ConsumerID) (Placement, error) {
	if err := identity.Allow(ctx, "scheduler:placement:show", nil); err != nil {
		return Placement{}, err
	}
	return loadPlacement(ctx, m.db.Read(), consumer)
}

// Placements lists what consumers hold.
func (m *Manager) Placements(ctx context.Context, q PlacementQuery) (page.Of[Placement], error) {
	if err := identity.Allow(ctx, "scheduler:placement:list", nil); err != nil {
		return page.Of[Placement]{}, err
	}
	return listPlacements(ctx, m.db.Read(), q)
}

// noRoom is why spec fits nowhere, in as many words as the caller may hear: a service
// knows whom to tell. The operator finds them in the log in any case.
func (m *Manager) noRoom(ctx context.Context, spec PlaceSpec) error {
	why := m.index.explain(spec, m.now(), m.how)
	m.log.InfoContext(ctx, "no host has room", "consumer", spec.ID, "why", why)
	if c := identity.CallerOf(ctx); c.Admin() || c.Has(identity.RoleService) {
		return ErrNoRoom.Errorf("no host has room: %s", why)
	}
	return ErrNoRoom.Errorf("no host has room")
}

func (s PlaceSpec) check() error {
	if s.ID == "" || len(s.ID) > 255 {
		return fault.Invalid.Errorf("place: the consumer has no id, or one above 255 bytes")
	}
	if _, ok := strategies[s.Strategy]; !ok && s.Strategy != "" {
		return fault.Invalid.Errorf("place %s: no strategy %q: use %s or %s", s.ID, s.Strategy, Spread, Pack)
	}
	if len(s.Required)+len(s.Forbidden)+len(s.Exclude) > maxNames {
		return fault.Invalid.Errorf("place %s: more than %d traits and excluded hosts", s.ID, maxNames)
	}
	if len(s.Resources) > maxClasses {
		return fault.Invalid.Errorf("place %s: more than %d classes of resources", s.ID, maxClasses)
	}
	for class, amount := range s.Resources {
		if class == "" || amount < 0 || amount > maxAmount {
			return fault.Invalid.Errorf("place %s: %d of %q", s.ID, amount, class)
		}
	}
	return nil
}

// wanted returns r without the classes of which nothing is wanted: a server
// that boots from a volume needs no disk, and hosts may have none.
func (r Resources) wanted() Resources {
	out := make(Resources, len(r))
	for class, amount := range r {
		if amount > 0 {
			out[class] = amount
		}
	}
	return out
}
