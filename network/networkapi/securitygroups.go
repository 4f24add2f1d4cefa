package networkapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

func (a *api) groupRoutes() []rest.Route {
	show := func(ctx context.Context, id string) (network.SecurityGroup, error) {
		return a.networks.SecurityGroup(ctx, network.SecurityGroupID(id))
	}
	remove := func(ctx context.Context, id string) error {
		return a.networks.DeleteSecurityGroup(ctx, network.SecurityGroupID(id))
	}
	showRule := func(ctx context.Context, id string) (network.Rule, error) {
		return a.networks.Rule(ctx, network.RuleID(id))
	}
	removeRule := func(ctx context.Context, id string) error { return a.networks.DeleteRule(ctx, network.RuleID(id)) }
	const groups, rules = root + "/security-groups", root + "/security-group-rules"
	return []rest.Route{
		rest.GET(groups, list("security_groups", nil, a.networks.SecurityGroups, groupOf)),
		rest.POST(groups, rest.JSON(a.createGroup)).Status(http.StatusCreated),
		rest.GET(groups+"/{id}", about("SecurityGroup", one("security_group", show, groupOf))),
		rest.PUT(groups+"/{id}", about("SecurityGroup", rest.JSONUnder("security_group", a.updateGroup))),
		rest.DELETE(groups+"/{id}", about("SecurityGroup", drop(remove))),
		rest.GET(rules, list("security_group_rules", []string{"security_group_id", "protocol"}, a.rules, ruleOf)),
		rest.POST(rules, rest.JSON(a.createRule)).Status(http.StatusCreated),
		rest.GET(rules+"/{id}", about("SecurityGroupRule", one("security_group_rule", showRule, ruleOf))),
		rest.DELETE(rules+"/{id}", about("SecurityGroupRule", drop(removeRule))),
	}
}

type groupView struct {
	standard
	Stateful bool       `json:"stateful"`
	Shared   bool       `json:"shared"`
	Rules    []ruleView `json:"security_group_rules"`
}

func groupOf(r *rest.Request, g network.SecurityGroup) groupView {
	v := groupView{standard: standardOf(g.ID, g.Attributes), Stateful: true}
	for _, rule := range g.Rules {
		v.Rules = append(v.Rules, ruleOf(r, rule))
	}
	return v
}

type ruleView struct {
	ID          network.RuleID           `json:"id"`
	ProjectID   string                   `json:"project_id"`
	TenantID    string                   `json:"tenant_id"`
	GroupID     network.SecurityGroupID  `json:"security_group_id"`
	Direction   string                   `json:"direction"`
	EtherType   string                   `json:"ethertype"`
	Protocol    *string                  `json:"protocol"`
	Min         *int                     `json:"port_range_min"`
	Max         *int                     `json:"port_range_max"`
	Remote      *string                  `json:"remote_ip_prefix"`
	RemoteGroup *network.SecurityGroupID `json:"remote_group_id"`
	RemoteList  *string                  `json:"remote_address_group_id"`
	Description string                   `json:"description"`
	Revision    int64                    `json:"revision_number"`
	CreatedAt   time.Time                `json:"created_at" time:"z"`
	UpdatedAt   time.Time                `json:"updated_at" time:"z"`
}

// Marker implements rest.Marked.
func (v ruleView) Marker() string { return string(v.ID) }

func ruleOf(_ *rest.Request, r network.Rule) ruleView {
	v := ruleView{
		ID: r.ID, ProjectID: r.ProjectID, TenantID: r.ProjectID, GroupID: r.GroupID, Direction: "egress", EtherType: "IPv4",
		Protocol: orNull(r.Protocol), Min: r.Min, Max: r.Max, RemoteGroup: orNull(r.RemoteGroup),
		Description: r.Description, Revision: r.Revision, CreatedAt: r.CreatedAt, UpdatedAt: r.CreatedAt,
	}
	if r.Ingress {
		v.Direction = "ingress"
	}
	if r.IPv6 {
		v.EtherType = "IPv6"
	}
	if r.Remote.IsValid() {
		s := r.Remote.String()
		v.Remote = &s
	}
	return v
}

// rules lists rules. They have neither tags nor a time of change.
func (a *api) rules(ctx context.Context, q network.Query) (page.Of[network.Rule], error) {
	if len(q.Tags)+len(q.AnyTags)+len(q.NotTags)+len(q.NoneOfTags) > 0 || !q.ChangedSince.IsZero() {
		return page.Of[network.Rule]{}, fault.Invalid.Errorf("security group rules have neither tags nor changed_since")
	}
	return a.networks.Rules(ctx, q)
}

type groupBody struct {
	_ struct{} `strict:"true"`
	base
	Stateful rest.Optional[bool] `json:"stateful"`
}

func (a *api) createGroup(r *rest.Request, in struct {
	One  *groupBody  `json:"security_group"`
	Many []groupBody `json:"security_groups"`
},
) (rest.Response, error) {
	return maker[groupBody, network.SecurityGroup, groupView]{
		key: "security_group", show: groupOf,
		undo: func(ctx context.Context, g network.SecurityGroup) error {
			return a.networks.DeleteSecurityGroup(ctx, g.ID)
		},
		create: func(r *rest.Request, b groupBody) (network.SecurityGroup, error) {
			if !b.Stateful.Or(true) {
				return network.SecurityGroup{}, fault.Invalid.Errorf("stateless security groups are not supported")
			}
			return a.networks.CreateSecurityGroup(r.Context(), network.SecurityGroupSpec{Base: b.spec()})
		},
	}.make(r, in.One, in.Many)
}

func (a *api) updateGroup(r *rest.Request, b groupBody) (rest.Response, error) {
	base, err := b.patch(r)
	if err != nil {
		return rest.Response{}, err
	}
	g, err := a.networks.UpdateSecurityGroup(r.Context(), network.SecurityGroupPatch{ID: network.SecurityGroupID(r.Param("id")), BasePatch: base})
	return rest.ReplyUnder("security_group", groupOf(r, g)), err
}

type ruleBody struct {
	_           struct{}              `strict:"true"`
	ProjectID   string                `json:"project_id"`
	TenantID    string                `json:"tenant_id"`
	GroupID     string                `json:"security_group_id" required:"true"`
	Direction   string                `json:"direction" required:"true" enum:"ingress,egress"`
	EtherType   rest.Optional[string] `json:"ethertype"`
	Protocol    any                   `json:"protocol"` // a name, or a number as number or text
	Min         *int                  `json:"port_range_min" loose:"true"`
	Max         *int                  `json:"port_range_max" loose:"true"`
	Remote      rest.Optional[string] `json:"remote_ip_prefix"`
	RemoteGroup rest.Optional[string] `json:"remote_group_id"`
	RemoteList  rest.Optional[string] `json:"remote_address_group_id"`
	Description rest.Optional[string] `json:"description"`
}

func (b ruleBody) rule() (network.Rule, error) {
	rule := network.Rule{
		GroupID: network.SecurityGroupID(b.GroupID), Description: b.Description.Value, Ingress: b.Direction == "ingress",
		Min: b.Min, Max: b.Max, RemoteGroup: network.SecurityGroupID(b.RemoteGroup.Value),
	}
	switch b.EtherType.Or("IPv4") {
	case "IPv4":
	case "IPv6":
		rule.IPv6 = true
	default:
		return rule, fault.Invalid.Errorf("security group rule for ethertype '%s' not supported. Allowed values are IPv4 and IPv6", b.EtherType.Value)
	}
	if b.Protocol != nil {
		rule.Protocol = fmt.Sprint(b.Protocol)
	}
	if b.RemoteList.Value != "" {
		return rule, fault.Invalid.Errorf("address groups are not supported")
	}
	if b.Remote.Value != "" {
		p, err := parsePrefix("remote_ip_prefix", b.Remote.Value)
		if err != nil {
			return rule, err
		}
		rule.Remote.Prefix = p // as it was written; hosts leave out the bits that do not count
	}
	return rule, nil
}

func (a *api) createRule(r *rest.Request, in struct {
	One  *ruleBody  `json:"security_group_rule"`
	Many []ruleBody `json:"security_group_rules"`
},
) (rest.Response, error) {
	return maker[ruleBody, network.Rule, ruleView]{
		key: "security_group_rule", show: ruleOf,
		undo: func(ctx context.Context, r network.Rule) error { return a.networks.DeleteRule(ctx, r.ID) },
		create: func(r *rest.Request, b ruleBody) (network.Rule, error) {
			rule, err := b.rule()
			if err != nil {
				return rule, err
			}
			return a.networks.CreateRule(r.Context(), rule)
		},
	}.make(r, in.One, in.Many)
}
