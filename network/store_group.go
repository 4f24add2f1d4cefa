package network

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/page"
)

var groupListing = listing[SecurityGroup]{
	filters: standard(map[string]filter{"stateful": always("true"), "shared": always("false")}),
	columns: sortable(),
	id:      func(g SecurityGroup) string { return string(g.ID) },
}

var ruleListing = listing[Rule]{
	filters: map[string]filter{
		"id": text("id"), "project_id": text("project_id"), "tenant_id": text("project_id"), "description": text("description"),
		"security_group_id": text("group_id"), "remote_group_id": text("remote_group"), "remote_ip_prefix": text("remote"),
		"protocol": text("protocol"), "port_range_min": text("min"), "port_range_max": text("max"),
		"direction": either("ingress", "ingress", "egress"), "ethertype": either("ipv6", "IPv6", "IPv4"),
		"revision_number": text("revision"),
	},
	columns: db.Columns{"id": "id", "created_at": "created_at", "project_id": "project_id", "security_group_id": "group_id", "protocol": "protocol"},
	id:      func(r Rule) string { return string(r.ID) },
}

// either is the filter of a yes or no that has two names on the wire.
func either(column, yes, no string) filter {
	return func(q *bun.SelectQuery, values []string) error {
		words := make([]string, 0, len(values))
		for _, v := range values {
			switch v {
			case yes:
				words = append(words, "true")
			case no:
				words = append(words, "false")
			}
		}
		if len(words) == 0 {
			q.Where("1 = 0")
		}
		return flag(column)(q, words)
	}
}

func loadGroup(ctx context.Context, idb bun.IDB, id SecurityGroupID) (SecurityGroup, error) {
	g := SecurityGroup{ID: id}
	if err := idb.NewSelect().Model(&g).WherePK().Scan(ctx); err != nil {
		return g, missing(err, "security group", string(id))
	}
	one := []SecurityGroup{g}
	err := addRules(ctx, idb, one)
	return one[0], err
}

// defaultGroup returns the default group of a project, without its rules.
func defaultGroup(ctx context.Context, idb bun.IDB, project string) (SecurityGroup, error) {
	var g SecurityGroup
	err := idb.NewSelect().Model(&g).Where(`project_id = ? AND "default"`, project).Scan(ctx)
	return g, missing(err, "default security group of project", project)
}

func listGroups(ctx context.Context, idb bun.IDB, project string, q Query) (page.Of[SecurityGroup], error) {
	out, err := list(ctx, idb.NewSelect().Model((*SecurityGroup)(nil)), q, project, groupListing)
	if err != nil {
		return out, err
	}
	return out, addRules(ctx, idb, out.Items)
}

// addRules gives groups their rules, in one query.
func addRules(ctx context.Context, idb bun.IDB, groups []SecurityGroup) error {
	ids := make([]SecurityGroupID, len(groups))
	for i, g := range groups {
		ids[i] = g.ID
	}
	rules, err := rulesOf(ctx, idb, ids)
	for i := range groups {
		groups[i].Rules = rules[groups[i].ID]
	}
	return err
}

// rulesOf returns the rules of groups, oldest first.
func rulesOf(ctx context.Context, idb bun.IDB, groups []SecurityGroupID) (map[SecurityGroupID][]Rule, error) {
	out := map[SecurityGroupID][]Rule{}
	if len(groups) == 0 {
		return out, nil
	}
	var all []Rule
	err := idb.NewSelect().Model(&all).Where("group_id IN (?)", bun.List(groups)).Order("created_at", "id").Scan(ctx)
	for _, r := range all {
		out[r.GroupID] = append(out[r.GroupID], r)
	}
	return out, db.Fault(err, "security group rules")
}

func loadRule(ctx context.Context, idb bun.IDB, id RuleID) (Rule, error) {
	r := Rule{ID: id}
	err := idb.NewSelect().Model(&r).WherePK().Scan(ctx)
	return r, missing(err, "security group rule", string(id))
}

func listRules(ctx context.Context, idb bun.IDB, project string, q Query) (page.Of[Rule], error) {
	return list(ctx, idb.NewSelect().Model((*Rule)(nil)), q, project, ruleListing)
}
