package network

import (
	"context"
	"net/netip"
	"strconv"
	"strings"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// protocols are the names that rules may use, and their numbers.
var protocols = map[string]uint8{
	"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "egp": 8, "udp": 17, "dccp": 33, "ipv6-encap": 41, "ipv6-route": 43,
	"ipv6-frag": 44, "rsvp": 46, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": 58, "icmpv6": 58, "ipv6-nonxt": 59,
	"ipv6-opts": 60, "ospf": 89, "pgm": 113, "vrrp": 112, "sctp": 132, "udplite": 136,
}

// Numbers of protocols that rules treat in their own way.
const (
	protoICMP   = 1
	protoICMPv6 = 58
)

// number returns the protocol's number, 0 for any.
func (r Rule) number() (uint8, error) {
	name := strings.ToLower(r.Protocol)
	if name == "" || name == "any" {
		return 0, nil
	}
	if n, ok := protocols[name]; ok {
		if n == protoICMP && r.IPv6 {
			n = protoICMPv6
		}
		return n, nil
	}
	n, err := strconv.ParseUint(name, 10, 8)
	if err != nil {
		return 0, fault.Invalid.Errorf("security group rule protocol %q is neither a known name nor a number from 0 to 255", r.Protocol)
	}
	return uint8(n), nil
}

// hasPorts reports whether Min and Max of a protocol are ports.
func hasPorts(proto uint8) bool {
	switch proto {
	case 6, 17, 33, 132, 136:
		return true
	}
	return false
}

// check reports what is wrong with a rule.
func (r Rule) check() error {
	if len(r.Description) > maxText {
		return fault.Invalid.Errorf("a description has at most %d characters", maxText)
	}
	proto, err := r.number()
	if err != nil {
		return err
	}
	if proto == protoICMPv6 && !r.IPv6 {
		return fault.Invalid.Errorf("protocol %s needs ethertype IPv6", r.Protocol)
	}
	if r.Remote.IsValid() && r.RemoteGroup != "" {
		return fault.Invalid.Errorf("only remote_ip_prefix or remote_group_id may be provided")
	}
	if r.Remote.IsValid() && r.Remote.Addr().Is4() == r.IPv6 {
		return fault.Invalid.Errorf("conflicting value ethertype %s for CIDR %s", map[bool]string{true: "IPv6", false: "IPv4"}[r.IPv6], r.Remote)
	}
	if r.Min == nil && r.Max == nil {
		return nil
	}
	if proto == protoICMP || proto == protoICMPv6 {
		return r.checkICMP()
	}
	if !hasPorts(proto) {
		return fault.Invalid.Errorf("must also specify protocol if port range is given: %q has no ports", r.Protocol)
	}
	return r.checkPorts()
}

func (r Rule) checkICMP() error {
	if r.Min == nil {
		return fault.Invalid.Errorf("ICMP code (port-range-max) %d is provided but ICMP type (port-range-min) is missing", *r.Max)
	}
	if *r.Min < 0 || *r.Min > 255 {
		return fault.Invalid.Errorf("invalid value for ICMP type (port-range-min) %d: it is from 0 to 255", *r.Min)
	}
	if r.Max != nil && (*r.Max < 0 || *r.Max > 255) {
		return fault.Invalid.Errorf("invalid value for ICMP code (port-range-max) %d: it is from 0 to 255", *r.Max)
	}
	return nil
}

func (r Rule) checkPorts() error {
	for _, p := range []*int{r.Min, r.Max} {
		if p != nil && (*p < 0 || *p > 65535) {
			return fault.Invalid.Errorf("invalid value for port %d", *p)
		}
	}
	if r.Min == nil || r.Max == nil || *r.Min > *r.Max {
		return fault.Invalid.Errorf("for TCP/UDP protocols, port_range_min must be <= port_range_max")
	}
	return nil
}

// same reports whether two rules let the same through.
func (r Rule) same(o Rule) bool {
	a, _ := r.number() // stored rules have one
	b, _ := o.number()
	return r.Ingress == o.Ingress && r.IPv6 == o.IPv6 && a == b && equal(r.Min, o.Min) && equal(r.Max, o.Max) &&
		r.other() == o.other() && r.RemoteGroup == o.RemoteGroup
}

// other returns the other side: zero for anybody, in whichever of its two spellings.
func (r Rule) other() netip.Prefix {
	if !r.Remote.IsValid() || r.Remote.Bits() == 0 {
		return netip.Prefix{}
	}
	return r.Remote.Masked()
}

func equal(a, b *int) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// host describes the rule to a host.
func (r Rule) host() HostRule {
	proto, _ := r.number()
	h := HostRule{Ingress: r.Ingress, IPv6: r.IPv6, Proto: proto, Remote: r.other(), Group: string(r.RemoteGroup)}
	small := func(n *int) *uint8 {
		if n == nil {
			return nil
		}
		v := uint8(*n)
		return &v
	}
	switch {
	case proto == protoICMP || proto == protoICMPv6:
		h.ICMPType, h.ICMPCode = small(r.Min), small(r.Max)
	case r.Min != nil && r.Max != nil:
		h.From, h.To = uint16(*r.Min), uint16(*r.Max)
	}
	return h
}

// CreateRule implements Service.
func (m *Manager) CreateRule(ctx context.Context, r Rule) (Rule, error) {
	g, err := m.SecurityGroup(ctx, r.GroupID)
	if err == nil {
		err = identity.Allow(ctx, "network:group:update", g)
	}
	if err != nil {
		return Rule{}, err
	}
	if r.ID != "" {
		if old, err := loadRule(ctx, m.db.Read(), r.ID); err == nil {
			return old, identity.Allow(ctx, "network:group:update", old)
		}
	}
	if err := identify(&r.ID); err != nil {
		return Rule{}, err
	}
	if r.RemoteGroup != "" {
		if _, err := m.SecurityGroup(ctx, r.RemoteGroup); err != nil {
			return Rule{}, err
		}
	}
	if err := r.check(); err != nil {
		return Rule{}, err
	}
	r.ProjectID, r.CreatedAt, r.Revision = g.ProjectID, db.Now(), 0
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := m.reserve(ctx, tx, r.ProjectID, ResourceRules, 1); err != nil {
			return err
		}
		have, err := rulesOf(ctx, tx, []SecurityGroupID{g.ID})
		if err != nil {
			return err
		}
		for _, o := range have[g.ID] {
			if r.same(o) {
				return ErrRuleExists.Errorf("security group rule already exists. Rule id is %s", o.ID)
			}
		}
		return insert(ctx, tx, &r, "security group rule "+string(r.ID))
	})
	if err == nil {
		m.groupChanged(ctx, g.ID)
	}
	return r, err
}

// Rule implements Service.
func (m *Manager) Rule(ctx context.Context, id RuleID) (Rule, error) {
	r, err := loadRule(ctx, m.db.Read(), id)
	if err != nil {
		return Rule{}, err
	}
	return asMissing(r, identity.Allow(ctx, "network:group:show", r), "security group rule", string(id))
}

// Rules implements Service.
func (m *Manager) Rules(ctx context.Context, q Query) (page.Of[Rule], error) {
	project, err := seen(ctx)
	if err != nil {
		return page.Of[Rule]{}, err
	}
	return listRules(ctx, m.db.Read(), project, q)
}

// DeleteRule implements Service.
func (m *Manager) DeleteRule(ctx context.Context, id RuleID) error {
	r, err := m.Rule(ctx, id)
	if err == nil {
		err = identity.Allow(ctx, "network:group:update", r)
	}
	if err != nil {
		return err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := remove(ctx, tx, (*Rule)(nil), "id = ?", id)
		return err
	})
	if err == nil {
		m.groupChanged(ctx, r.GroupID)
	}
	return err
}
