package volumeapi

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
)

// Clients expect a daemon per backend, called host@backend, with pools in it.
// Here a backend is the one pool of a daemon that is up while this answers.

func (a *api) backendRoutes() []rest.Route {
	return []rest.Route{
		rest.GET(root+"/os-services", a.listServices),
		rest.PUT(root+"/os-services/{action}", rest.JSON(a.changeService)),
		rest.GET(root+"/os-hosts", a.listHosts),
		rest.GET(root+"/os-hosts/{host}", a.showHost),
		rest.GET(root+"/scheduler-stats/get_pools", a.listPools),
		rest.GET(root+"/capabilities/{host}", a.showCapabilities),
	}
}

const (
	zoneName      = "nova"
	hostName      = "nacre"
	keeper        = "cinder-volume"
	chooser       = "cinder-scheduler"
	unknownAmount = "unknown"
	vendor        = "Open Source"
	protocol      = "local" // how hosts reach a volume is between them and the driver
)

func serviceOf(backend string) string { return hostName + "@" + backend }

func poolOf(backend string) string { return serviceOf(backend) + "#" + backend }

// A daemon is a service as clients think of it.
type daemon struct {
	Binary         string    `json:"binary"`
	Host           string    `json:"host"`
	Zone           string    `json:"zone"`
	Status         string    `json:"status"`
	State          string    `json:"state"`
	UpdatedAt      time.Time `json:"updated_at" time:"2006-01-02T15:04:05.000000"`
	DisabledReason *string   `json:"disabled_reason"`
	Cluster        *string   `json:"cluster" since:"3.7"`
	BackendState   string    `json:"backend_state,omitempty" since:"3.49"`
}

func (a *api) daemons(r *rest.Request) ([]daemon, error) {
	uses, err := a.volumes.Backends(r.Context())
	if err != nil {
		return nil, err
	}
	d := daemon{Binary: chooser, Host: hostName, Zone: zoneName, Status: "enabled", State: "up", UpdatedAt: time.Now()}
	all := []daemon{d}
	for _, u := range uses {
		d.Binary, d.Host, d.BackendState = keeper, serviceOf(u.Backend), "up"
		all = append(all, d)
	}
	return all, nil
}

func (a *api) listServices(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	host, binary := q.String("host"), q.String("binary")
	all, err := a.daemons(r)
	all = slices.DeleteFunc(all, func(d daemon) bool {
		return host != "" && d.Host != host && !strings.HasPrefix(d.Host, host+"@") || binary != "" && d.Binary != binary
	})
	return rest.ReplyUnder("services", all), err
}

// changeService refuses to switch a daemon off, because there is none.
func (a *api) changeService(r *rest.Request, in struct {
	Host   string  `json:"host" required:"true"`
	Binary string  `json:"binary"`
	Reason *string `json:"disabled_reason"`
},
) (rest.Response, error) {
	all, err := a.daemons(r)
	if err != nil {
		return rest.Response{}, err
	}
	known := slices.ContainsFunc(all, func(d daemon) bool { return d.Host == in.Host && d.Binary == in.Binary })
	switch r.Param("action") {
	case "enable", "disable":
		if !known {
			return rest.Response{}, fault.NotFound.Errorf("there is no service %.64q on host %.64q", in.Binary, in.Host)
		}
	case "disable-log-reason", "freeze", "thaw", "failover_host":
	default:
		return rest.Response{}, fault.NotFound.Errorf("there is no action %.64q", r.Param("action"))
	}
	return rest.Response{}, fault.Unsupported.Errorf("a backend is in use while it is listed in the program; it cannot be switched off here")
}

func (a *api) listHosts(r *rest.Request) (rest.Response, error) {
	type host struct {
		Name    string    `json:"host_name"`
		Service string    `json:"service"`
		Zone    string    `json:"zone"`
		Status  string    `json:"service-status"`
		State   string    `json:"service-state"`
		Updated time.Time `json:"last-update" time:"2006-01-02T15:04:05.000000"`
	}
	all, err := a.daemons(r)
	var hosts []host
	for _, d := range all {
		hosts = append(hosts, host{d.Host, d.Binary, d.Zone, "available", d.Status, d.UpdatedAt})
	}
	return rest.ReplyUnder("hosts", hosts), err
}

func (a *api) showHost(r *rest.Request) (rest.Response, error) {
	type resource struct {
		Host        string `json:"host"`
		Project     string `json:"project"`
		Volumes     string `json:"volume_count"`
		VolumeGiB   string `json:"total_volume_gb"`
		Snapshots   string `json:"snapshot_count"`
		SnapshotGiB string `json:"total_snapshot_gb"`
	}
	type item struct {
		Resource resource `json:"resource"`
	}
	uses, err := a.volumes.Backends(r.Context())
	if err != nil {
		return rest.Response{}, err
	}
	name := r.Param("host")
	i := slices.IndexFunc(uses, func(u volume.Use) bool { return serviceOf(u.Backend) == name })
	if i < 0 {
		return rest.Response{}, fault.NotFound.Errorf("host %.64q keeps no volumes", name)
	}
	text := func(n int64) string { return strconv.FormatInt(n, 10) }
	u := uses[i]
	return rest.ReplyUnder("host", []item{{resource{
		name, "(total)", text(u.Volumes), text(u.VolumeGiB), text(u.Snapshots), text(u.SnapshotGiB),
	}}}), nil
}

func (a *api) listPools(r *rest.Request) (rest.Response, error) {
	type capabilities struct {
		Backend   string    `json:"volume_backend_name"`
		Vendor    string    `json:"vendor_name"`
		Protocol  string    `json:"storage_protocol"`
		Total     string    `json:"total_capacity_gb"`
		Free      string    `json:"free_capacity_gb"`
		Allocated int64     `json:"allocated_capacity_gb"`
		Updated   time.Time `json:"timestamp" time:"2006-01-02T15:04:05.000000"`
	}
	type pool struct {
		Name         string        `json:"name"`
		Capabilities *capabilities `json:"capabilities,omitempty"`
	}
	q := r.Query()
	detail := q.Flag("detail")
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	uses, err := a.volumes.Backends(r.Context())
	var pools []pool
	for _, u := range uses {
		p := pool{Name: poolOf(u.Backend)}
		if detail {
			p.Capabilities = &capabilities{u.Backend, vendor, protocol, unknownAmount, unknownAmount, u.VolumeGiB, time.Now()}
		}
		pools = append(pools, p)
	}
	return rest.ReplyUnder("pools", pools), err
}

// showCapabilities tells what a backend can. What volume types may ask of it is
// the driver's own affair, so no property is listed.
func (a *api) showCapabilities(r *rest.Request) (rest.Response, error) {
	type capabilities struct {
		Namespace   string         `json:"namespace"`
		Vendor      string         `json:"vendor_name"`
		Backend     string         `json:"volume_backend_name"`
		Pool        *string        `json:"pool_name"`
		Version     string         `json:"driver_version"`
		Protocol    string         `json:"storage_protocol"`
		Name        *string        `json:"display_name"`
		Description *string        `json:"description"`
		Visibility  *string        `json:"visibility"`
		Targets     []string       `json:"replication_targets"`
		Properties  map[string]any `json:"properties"`
	}
	uses, err := a.volumes.Backends(r.Context())
	if err != nil {
		return rest.Response{}, err
	}
	host := r.Param("host")
	for _, u := range uses {
		if host == serviceOf(u.Backend) || host == poolOf(u.Backend) {
			return rest.Reply(capabilities{
				Namespace: "OS::Storage::Capabilities::" + serviceOf(u.Backend), Vendor: vendor, Backend: u.Backend,
				Version: "1.0", Protocol: protocol, Properties: map[string]any{},
			}), nil
		}
	}
	return rest.Response{}, fault.NotFound.Errorf("there is no backend %.64q", host)
}
