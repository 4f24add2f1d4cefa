package computeapi

import (
	"context"
	"net/netip"
	"strings"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

// ownOnly bounds a list to the caller's project.
func ownOnly(r *rest.Request, all bool) map[string][]string {
	c := identity.CallerOf(r.Context())
	if all && c.Admin() {
		return nil
	}
	return map[string][]string{"project_id": {c.ProjectID}}
}

// A ruleOut allows traffic in. Nil ports mean any.
type ruleOut struct {
	ID       string    `json:"id"`
	Group    string    `json:"parent_group_id"`
	Protocol *string   `json:"ip_protocol"`
	From     *int      `json:"from_port"`
	To       *int      `json:"to_port"`
	Range    rangeOut  `json:"ip_range"`
	Remote   remoteOut `json:"group"`
}

type rangeOut struct {
	CIDR string `json:"cidr,omitempty"`
}

type remoteOut struct {
	Name      string `json:"name,omitempty"`
	ProjectID string `json:"tenant_id,omitempty"`
}

func (a *api) ruleOut(ctx context.Context, rule network.Rule, known map[network.SecurityGroupID]network.SecurityGroup) (ruleOut, error) {
	out := ruleOut{ID: string(rule.ID), Group: string(rule.GroupID), Protocol: text(&rule.Protocol), From: rule.Min, To: rule.Max}
	if rule.Protocol != "" && rule.Min == nil {
		low, high := 1, 65535
		if strings.HasPrefix(rule.Protocol, "icmp") {
			low, high = -1, -1
		}
		out.From, out.To = &low, &high
	}
	if rule.RemoteGroup == "" {
		switch {
		case rule.Remote.IsValid():
			out.Range.CIDR = rule.Remote.String()
		case rule.IPv6:
			out.Range.CIDR = "::/0"
		default:
			out.Range.CIDR = "0.0.0.0/0"
		}
		return out, nil
	}
	g, ok := known[rule.RemoteGroup]
	if !ok {
		var err error
		if g, err = a.networks.SecurityGroup(ctx, rule.RemoteGroup); err != nil && fault.Of(err) != fault.NotFound {
			return out, err
		}
		known[rule.RemoteGroup] = g
	}
	out.Remote = remoteOut{g.Name, g.ProjectID}
	return out, nil
}

type ruleIn struct {
	Group    string  `json:"parent_group_id" required:"true"`
	Protocol *string `json:"ip_protocol"`
	From     *int    `json:"from_port" loose:"true"`
	To       *int    `json:"to_port" loose:"true"`
	CIDR     *string `json:"cidr"`
	Remote   *string `json:"group_id"`
}

func (a *api) createRule(r *rest.Request, in ruleIn) (rest.Response, error) {
	group, err := rest.ParseUUID("security_group_rule.parent_group_id", in.Group)
	if err != nil {
		return rest.Response{}, err
	}
	rule, err := in.rule()
	if err != nil {
		return rest.Response{}, err
	}
	rule.GroupID = network.SecurityGroupID(group)
	if rule, err = a.networks.CreateRule(r.Context(), rule); err != nil {
		return rest.Response{}, asBadRequest(err)
	}
	out, err := a.ruleOut(r.Context(), rule, map[network.SecurityGroupID]network.SecurityGroup{})
	return rest.ReplyUnder("security_group_rule", out), err
}

func (in ruleIn) rule() (network.Rule, error) {
	rule := network.Rule{Ingress: true, Protocol: strings.ToLower(deref(in.Protocol)), RemoteGroup: network.SecurityGroupID(deref(in.Remote))}
	switch rule.Protocol {
	case "tcp", "udp", "icmp":
	case "":
		if rule.RemoteGroup == "" {
			return rule, fault.Invalid.Errorf("security_group_rule.ip_protocol: use tcp, udp or icmp")
		}
	default:
		return rule, fault.Invalid.Errorf("security_group_rule.ip_protocol: %q is not tcp, udp or icmp", rule.Protocol)
	}
	if (in.From == nil || in.To == nil) && rule.Protocol != "" {
		return rule, fault.Invalid.Errorf("security_group_rule: from_port and to_port are needed")
	}
	rule.Min, rule.Max = port(in.From), port(in.To)
	if err := in.checkPorts(rule.Protocol); err != nil {
		return rule, err
	}
	if cidr := deref(in.CIDR); cidr != "" {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return rule, fault.Invalid.Errorf("security_group_rule.cidr: %q is not a range of addresses", cidr)
		}
		rule.Remote, rule.IPv6 = network.Prefix{Prefix: prefix}, prefix.Addr().Is6()
	}
	return rule, nil
}

// port returns a port; -1 means any.
func port(n *int) *int {
	if n == nil || *n == -1 {
		return nil
	}
	return n
}

func (in ruleIn) checkPorts(protocol string) error {
	low, high := -1, 65535
	switch protocol {
	case "icmp":
		high = 255
	case "tcp", "udp":
		low = 1
	}
	for _, n := range []*int{in.From, in.To} {
		if n != nil && (*n < low || *n > high) {
			return fault.Invalid.Errorf("security_group_rule: ports of %s are from %d to %d, not %d", protocol, low, high, *n)
		}
	}
	if in.From != nil && in.To != nil && *in.From > *in.To && protocol != "icmp" {
		return fault.Invalid.Errorf("security_group_rule: from_port %d is above to_port %d", *in.From, *in.To)
	}
	return nil
}

func (a *api) deleteRule(r *rest.Request) (rest.Response, error) {
	id, err := rest.ParseUUID("security group rule", r.Param("id"))
	if err != nil {
		return rest.Response{}, err
	}
	return rest.Empty(), a.networks.DeleteRule(r.Context(), network.RuleID(id))
}
