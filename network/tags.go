package network

import (
	"context"
	"slices"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// taggable returns the attributes of a thing that the caller may see, the model of
// its table, and the action that changes it.
func (m *Manager) taggable(ctx context.Context, t Tagged) (a Attributes, model any, action string, err error) {
	switch t.Kind {
	case "networks":
		n, err := m.Network(ctx, ID(t.ID))
		return n.Attributes, (*Network)(nil), "network:update", err
	case "subnets":
		s, err := m.Subnet(ctx, SubnetID(t.ID))
		return s.Attributes, (*Subnet)(nil), "network:subnet:update", err
	case "subnetpools":
		p, err := m.SubnetPool(ctx, SubnetPoolID(t.ID))
		return p.Attributes, (*SubnetPool)(nil), "network:subnetpool:update", err
	case "ports":
		p, err := m.Port(ctx, PortID(t.ID))
		return p.Attributes, (*Port)(nil), "network:port:update", err
	case "routers":
		r, err := m.Router(ctx, RouterID(t.ID))
		return r.Attributes, (*Router)(nil), "network:router:update", err
	case "floatingips":
		f, err := m.FloatingIP(ctx, FloatingID(t.ID))
		return f.Attributes, (*FloatingIP)(nil), "network:floatingip:update", err
	case "security-groups":
		g, err := m.SecurityGroup(ctx, SecurityGroupID(t.ID))
		return g.Attributes, (*SecurityGroup)(nil), "network:group:update", err
	}
	return a, nil, "", fault.NotFound.Errorf("%s have no tags", t.Kind)
}

// Tags implements Service.
func (m *Manager) Tags(ctx context.Context, t Tagged) ([]string, error) {
	a, _, _, err := m.taggable(ctx, t)
	return a.Tags, err
}

// SetTags implements Service.
func (m *Manager) SetTags(ctx context.Context, t Tagged) ([]string, error) {
	return m.retag(ctx, t, func([]string) []string { return t.Tags })
}

// ChangeTags implements Service.
func (m *Manager) ChangeTags(ctx context.Context, p TagPatch) ([]string, error) {
	return m.retag(ctx, Tagged{Kind: p.Kind, ID: p.ID}, func(tags []string) []string {
		return db.MergeTags(tags, p.Add, p.Remove)
	})
}

// retag gives a thing the tags that f makes of those it has, and returns them.
func (m *Manager) retag(ctx context.Context, t Tagged, f func(tags []string) []string) (tags []string, err error) {
	a, model, action, err := m.taggable(ctx, t)
	if err == nil {
		err = identity.Allow(ctx, action, a)
	}
	if err != nil {
		return nil, err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		old, err := lockTags(ctx, tx, model, t.ID)
		if err != nil {
			return err
		}
		if tags, err = checkTags(f(old)); err != nil || slices.Equal(tags, old) {
			return err
		}
		return setTags(ctx, tx, model, t.ID, tags)
	})
	return tags, err
}
