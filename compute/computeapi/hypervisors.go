package computeapi

import (
	"context"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/scheduler"
)

// hostNumber is the id that a host had before ids became UUIDs.
func hostNumber(name string) int64 { return int64(crc32.ChecksumIEEE([]byte(name)) >> 1) }

// hostID returns a host's id as a version spells it.
func hostID(r *rest.Request, name string) any {
	if r.Since("2.53") {
		return string(scheduler.IDOf(name))
	}
	return hostNumber(name)
}

type hypervisorBrief struct {
	ID      any            `json:"id"`
	Name    string         `json:"hypervisor_hostname"`
	State   string         `json:"state"`
	Status  string         `json:"status"`
	Servers []hostedServer `json:"servers,omitempty"`
}

type hypervisorDetail struct {
	hypervisorBrief
	Type      string     `json:"hypervisor_type"`
	Version   int        `json:"hypervisor_version"`
	Address   *string    `json:"host_ip"`
	Service   hypervisor `json:"service"`
	Uptime    *string    `json:"uptime" since:"2.88"`
	CPUText   string     `json:"cpu_info" until:"2.27"`
	CPUObject struct{}   `as:"cpu_info" since:"2.28" until:"2.87"`
	capacity  `until:"2.87"`
}

type hypervisor struct {
	ID             any     `json:"id"`
	Host           string  `json:"host"`
	DisabledReason *string `json:"disabled_reason"`
}

type hostedServer struct {
	ID   string `json:"uuid"`
	Name string `json:"name"`
}

// capacity is what a host, or all of them, have and use.
type capacity struct {
	VCPUs       int  `json:"vcpus"`
	VCPUsUsed   int  `json:"vcpus_used"`
	Memory      int  `json:"memory_mb"`
	MemoryUsed  int  `json:"memory_mb_used"`
	MemoryFree  int  `json:"free_ram_mb"`
	Disk        int  `json:"local_gb"`
	DiskUsed    int  `json:"local_gb_used"`
	DiskFree    int  `json:"free_disk_gb"`
	DiskAtLeast *int `json:"disk_available_least"`
	Workload    int  `json:"current_workload"`
	Running     int  `json:"running_vms"`
}

func (c *capacity) add(h *compute.Hypervisor) {
	c.VCPUs, c.VCPUsUsed = c.VCPUs+h.VCPUs, c.VCPUsUsed+h.VCPUsUsed
	c.Memory, c.MemoryUsed = c.Memory+h.MemoryMiB, c.MemoryUsed+h.MemoryMiBUsed
	c.Disk, c.DiskUsed = c.Disk+h.DiskGiB, c.DiskUsed+h.DiskGiBUsed
	c.MemoryFree, c.DiskFree = c.Memory-c.MemoryUsed, c.Disk-c.DiskUsed
	c.Running += h.Servers
}

func newHypervisorBrief(r *rest.Request, h *compute.Hypervisor) hypervisorBrief {
	return hypervisorBrief{ID: hostID(r, h.Name), Name: h.Name, State: upDown(h.Up), Status: enabled(h.Enabled)}
}

func upDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

func enabled(yes bool) string {
	if yes {
		return "enabled"
	}
	return "disabled"
}

func newHypervisor(r *rest.Request, h *compute.Hypervisor) hypervisorDetail {
	d := hypervisorDetail{
		hypervisorBrief: newHypervisorBrief(r, h), Type: "QEMU",
		Service: hypervisor{hostID(r, h.Name), h.Name, text(&h.DisabledReason)},
	}
	d.capacity.add(h)
	return d
}

var hypervisorPaging = rest.Paging{ZeroIsNone: true, Links: rest.NextLink}

// findHypervisors answers a list's query. Pages came with 2.33, patterns with 2.53.
func (a *api) findHypervisors(r *rest.Request) (page.Of[compute.Hypervisor], error) {
	q := r.Query()
	var asked page.Query
	if r.Since("2.33") {
		asked = q.Page(hypervisorPaging)
	}
	pattern := ""
	if r.Since("2.53") {
		pattern = q.String("hypervisor_hostname_pattern")
	}
	none := page.Of[compute.Hypervisor]{}
	if err := q.Err(); err != nil {
		return none, err
	}
	all, err := a.matching(r.Context(), pattern)
	if err != nil || len(all) == 0 && pattern != "" {
		return none, orNoHost(err, pattern)
	}
	if asked.Marker != "" {
		i := slices.IndexFunc(all, func(h compute.Hypervisor) bool { return isHost(r, &h, asked.Marker) })
		if i < 0 {
			return none, fault.Invalid.Errorf("marker [%s] not found", asked.Marker)
		}
		all = all[i+1:]
	}
	return page.Cut(asked, all, func(h compute.Hypervisor) string { return idText(hostID(r, h.Name)) }), nil
}

func orNoHost(err error, pattern string) error {
	if err != nil {
		return err
	}
	return fault.NotFound.Errorf("no hypervisor matching '%s' could be found", pattern)
}

// matching returns the hosts whose names contain pattern, by name.
func (a *api) matching(ctx context.Context, pattern string) ([]compute.Hypervisor, error) {
	all, err := a.Hypervisors(ctx, compute.HypervisorQuery{})
	all = slices.DeleteFunc(all, func(h compute.Hypervisor) bool { return !strings.Contains(h.Name, pattern) })
	slices.SortFunc(all, func(g, h compute.Hypervisor) int { return strings.Compare(g.Name, h.Name) })
	return all, err
}

func idText(id any) string {
	if n, ok := id.(int64); ok {
		return strconv.FormatInt(n, 10)
	}
	return id.(string)
}

func isHost(r *rest.Request, h *compute.Hypervisor, id string) bool {
	return idText(hostID(r, h.Name)) == id
}

func (a *api) listHypervisors(r *rest.Request) (rest.Response, error) {
	p, err := a.findHypervisors(r)
	if err != nil {
		return rest.Response{}, err
	}
	servers, err := a.wantedServers(r)
	return rest.ReplyPage(r, "hypervisors", page.Map(p, func(h compute.Hypervisor) hypervisorBrief {
		b := newHypervisorBrief(r, &h)
		b.Servers = servers[h.Name]
		return b
	})), err
}

func (a *api) detailHypervisors(r *rest.Request) (rest.Response, error) {
	p, err := a.findHypervisors(r)
	if err != nil {
		return rest.Response{}, err
	}
	servers, err := a.wantedServers(r)
	return rest.ReplyPage(r, "hypervisors", page.Map(p, func(h compute.Hypervisor) hypervisorDetail {
		d := newHypervisor(r, &h)
		d.Servers = servers[h.Name]
		return d
	})), err
}

// wantedServers returns the servers of all hosts by host when the request asks for them.
func (a *api) wantedServers(r *rest.Request) (map[string][]hostedServer, error) {
	q := r.Query()
	wanted := r.Since("2.53") && q.Bool("with_servers", false)
	if err := q.Err(); err != nil || !wanted {
		return nil, err
	}
	return a.serversByHost(r.Context(), "")
}

func (a *api) serversByHost(ctx context.Context, host string) (map[string][]hostedServer, error) {
	all := map[string][]hostedServer{}
	servers := page.All(func(q page.Query) (page.Of[compute.Server], error) {
		return a.Servers(ctx, compute.Query{Query: q, AllProjects: true, Host: host})
	})
	for s, err := range servers {
		if err != nil {
			return nil, err
		}
		all[s.Host] = append(all[s.Host], hostedServer{string(s.ID), s.Name})
	}
	return all, nil
}

// hypervisor finds the host that the path names.
func (a *api) hypervisor(r *rest.Request) (compute.Hypervisor, error) {
	all, err := a.Hypervisors(r.Context(), compute.HypervisorQuery{})
	if err != nil {
		return compute.Hypervisor{}, err
	}
	for i := range all {
		if isHost(r, &all[i], r.Param("id")) {
			return all[i], nil
		}
	}
	return compute.Hypervisor{}, fault.NotFound.Errorf("hypervisor with ID '%s' could not be found", r.Param("id"))
}

func (a *api) showHypervisor(r *rest.Request) (rest.Response, error) {
	h, err := a.hypervisor(r)
	if err != nil {
		return rest.Response{}, err
	}
	d := newHypervisor(r, &h)
	servers, err := a.wantedServers(r)
	d.Servers = servers[h.Name]
	return rest.ReplyUnder("hypervisor", d), err
}

func (a *api) uptime(r *rest.Request) (rest.Response, error) {
	h, err := a.hypervisor(r)
	if err != nil {
		return rest.Response{}, err
	}
	return rest.Response{}, rest.WithStatus(400, fault.Unsupported.Errorf("hypervisor %s does not tell its uptime", h.Name))
}

func (a *api) searchHypervisors(r *rest.Request) (rest.Response, error) {
	found, err := a.matching(r.Context(), r.Param("id"))
	if err != nil || len(found) == 0 {
		return rest.Response{}, orNoHost(err, r.Param("id"))
	}
	list := make([]hypervisorBrief, len(found))
	for i := range found {
		list[i] = newHypervisorBrief(r, &found[i])
	}
	return rest.ReplyUnder("hypervisors", list), nil
}

func (a *api) hypervisorServers(r *rest.Request) (rest.Response, error) {
	found, err := a.matching(r.Context(), r.Param("id"))
	if err != nil || len(found) == 0 {
		return rest.Response{}, orNoHost(err, r.Param("id"))
	}
	servers, err := a.serversByHost(r.Context(), "")
	list := make([]hypervisorBrief, len(found))
	for i := range found {
		list[i] = newHypervisorBrief(r, &found[i])
		list[i].Servers = servers[found[i].Name]
	}
	return rest.ReplyUnder("hypervisors", list), err
}

type statistics struct {
	Count int `json:"count"`
	capacity
}

func (a *api) statistics(r *rest.Request) (rest.Response, error) {
	all, err := a.Hypervisors(r.Context(), compute.HypervisorQuery{})
	out := statistics{Count: len(all)}
	for i := range all {
		out.capacity.add(&all[i])
	}
	return rest.ReplyUnder("hypervisor_statistics", out), err
}
