package computeapi

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

type serverCreateBody struct {
	Server   serverCreate   `json:"server" required:"true"`
	Hints    map[string]any `json:"os:scheduler_hints"`
	OldHints map[string]any `json:"OS-SCH-HNT:scheduler_hints"`
}

type serverCreate struct {
	Name              string            `json:"name" required:"true" min:"1" max:"255"`
	Flavor            any               `json:"flavorRef" required:"true"` // text, or a number from old clients
	Image             string            `json:"imageRef"`
	AdminPass         *string           `json:"adminPass"`
	Metadata          map[string]string `json:"metadata"`
	Networks          networksWanted    `json:"networks"`
	DiskConfig        string            `json:"OS-DCF:diskConfig" enum:"AUTO,MANUAL"`
	AccessIPv4        *string           `json:"accessIPv4"`
	AccessIPv6        *string           `json:"accessIPv6"`
	Personality       []injectedFile    `json:"personality" until:"2.56"`
	ConfigDrive       *bool             `json:"config_drive" loose:"true"`
	KeyName           *string           `json:"key_name"`
	MinCount          *int              `json:"min_count" min:"1" loose:"true"`
	MaxCount          *int              `json:"max_count" min:"1" loose:"true"`
	ReturnReservation *bool             `json:"return_reservation_id" loose:"true"`
	SecurityGroups    []namedIn         `json:"security_groups"`
	UserData          *string           `json:"user_data" max:"65535"`
	Zone              *string           `json:"availability_zone" max:"255"`
	BlockDevices      []blockDevice     `json:"block_device_mapping_v2"`
	Description       *string           `json:"description" max:"255" since:"2.19"`
	Tags              []string          `json:"tags" max:"50" since:"2.52"`
	Certificates      *[]string         `json:"trusted_image_certificates" since:"2.63"`
	Host              string            `json:"host" min:"1" max:"255" since:"2.74"`
	Hypervisor        string            `json:"hypervisor_hostname" min:"1" max:"255" since:"2.74"`
	Hostname          *string           `json:"hostname" min:"1" max:"63" since:"2.90"`
}

type namedIn struct {
	Name string `json:"name" required:"true" min:"1" max:"255"`
}

type injectedFile struct {
	Path     string `json:"path" required:"true" min:"1" max:"255"`
	Contents string `json:"contents" required:"true"`
}

type serverCreated struct {
	ID             string  `json:"id"`
	Links          links   `json:"links"`
	DiskConfig     string  `json:"OS-DCF:diskConfig"`
	SecurityGroups []named `json:"security_groups"`
	AdminPass      string  `json:"adminPass"`
}

func (a *api) createServers(r *rest.Request, body serverCreateBody) (rest.Response, error) {
	in := body.Server
	if err := in.check(r, body); err != nil {
		return rest.Response{}, err
	}
	spec, err := in.spec()
	if err != nil {
		return rest.Response{}, err
	}
	least, most, err := in.counts(spec)
	if err != nil {
		return rest.Response{}, err
	}
	s, err := a.createMany(r.Context(), spec, least, most)
	if err != nil {
		return rest.Response{}, err
	}
	if deref(in.ReturnReservation) {
		return rest.ReplyUnder("reservation_id", s.ReservationID), nil
	}
	out := serverCreated{ID: string(s.ID), Links: newView(r).links(string(s.ID)), DiskConfig: cmp.Or(in.DiskConfig, "MANUAL")}
	for _, g := range in.SecurityGroups {
		out.SecurityGroups = append(out.SecurityGroups, named(g))
	}
	if out.SecurityGroups == nil {
		out.SecurityGroups = defaultGroup
	}
	out.AdminPass = spec.AdminPassword
	return rest.ReplyUnder("server", out).Location(out.Links[0].Href), nil
}

// createMany creates up to most servers and returns the first. Fewer than least
// are none.
func (a *api) createMany(ctx context.Context, spec compute.CreateSpec, least, most int) (compute.Server, error) {
	if most == 1 {
		return a.CreateServer(ctx, spec)
	}
	spec.ReservationID = "r-" + strings.ToLower(rand.Text()[:8])
	name := spec.Name
	var made []compute.Server
	for i := range most {
		spec.Name, spec.LaunchIndex = fmt.Sprintf("%s-%d", name, i+1), i
		s, err := a.CreateServer(ctx, spec)
		if err == nil {
			made = append(made, s)
			continue
		}
		if errors.Is(err, fault.OverQuota) && i >= least {
			break
		}
		for _, s := range made {
			err = errors.Join(err, a.DeleteServer(ctx, s.ID))
		}
		return compute.Server{}, err
	}
	return made[0], nil
}

// check finds what is wrong with each member by itself.
func (in *serverCreate) check(r *rest.Request, body serverCreateBody) error {
	if err := errors.Join(checkName(in.Name), checkAccess(in.AccessIPv4, in.AccessIPv6), checkTags(in.Tags)); err != nil {
		return fault.Invalid.Errorf("%w", err)
	}
	if r.Since("2.37") && !in.Networks.given {
		return fault.Invalid.Errorf("server.networks: is required; use auto, none, or a list")
	}
	if !r.Since("2.37") && in.Networks.word != "" {
		return fault.Invalid.Errorf("server.networks: expected a list, got %q", in.Networks.word)
	}
	if in.Certificates != nil {
		return fault.Invalid.Errorf("server.trusted_image_certificates: signatures of images are not verified here")
	}
	if in.Hostname != nil {
		if err := checkHostname(*in.Hostname); err != nil {
			return err
		}
	}
	for _, hints := range []map[string]any{body.Hints, body.OldHints} {
		if group, ok := hints["group"]; ok {
			return fault.Invalid.Errorf("server group %v could not be found", group)
		}
	}
	return nil
}

// files decodes what a guest shall be given.
func (in *serverCreate) files() (all []compute.InjectedFile, err error) {
	for _, f := range in.Personality {
		content, err := base64.StdEncoding.DecodeString(f.Contents)
		if err != nil {
			return nil, fault.Invalid.Errorf("server.personality: the contents of %s must be encoded as base64", f.Path)
		}
		all = append(all, compute.InjectedFile{Path: f.Path, Content: content})
	}
	return all, nil
}

func (in *serverCreate) spec() (compute.CreateSpec, error) {
	flavor, err := in.flavor()
	if err != nil {
		return compute.CreateSpec{}, err
	}
	spec := compute.CreateSpec{
		Name: in.Name, Description: deref(in.Description), Hostname: deref(in.Hostname), FlavorID: flavor, ImageID: in.Image,
		KeyName: deref(in.KeyName), UserData: deref(in.UserData), ConfigDrive: deref(in.ConfigDrive), AvailabilityZone: in.place(),
		AccessIPv4: deref(in.AccessIPv4), AccessIPv6: deref(in.AccessIPv6),
		Metadata: in.Metadata, Tags: in.Tags, AdminPassword: cmp.Or(deref(in.AdminPass), rand.Text()[:12]),
	}
	if spec.Files, err = in.files(); err != nil {
		return spec, err
	}
	for _, g := range in.SecurityGroups {
		spec.SecurityGroups = append(spec.SecurityGroups, g.Name)
	}
	if err := in.Networks.into(&spec); err != nil {
		return spec, err
	}
	return spec, disks(in.BlockDevices, &spec)
}

// flavor returns the flavor's id. Numbers were ids once.
func (in *serverCreate) flavor() (string, error) {
	switch f := in.Flavor.(type) {
	case string:
		if f != "" {
			return f, nil
		}
	case float64:
		return fmt.Sprintf("%.0f", f), nil
	}
	return "", fault.Invalid.Errorf("server.flavorRef: expected the id of a flavor")
}

// place returns the zone, with the host that an administrator asks for.
func (in *serverCreate) place() string {
	zone := deref(in.Zone)
	if host := cmp.Or(in.Host, in.Hypervisor); host != "" {
		zone, _, _ = strings.Cut(zone, ":")
		zone += ":" + host
	}
	return zone
}

// maxServers bounds how many servers one request may make.
const maxServers = 1000

func (in *serverCreate) counts(spec compute.CreateSpec) (least, most int, err error) {
	least, most = 1, 1
	if in.MinCount != nil {
		least, most = *in.MinCount, *in.MinCount
	}
	if in.MaxCount != nil {
		most = *in.MaxCount
	}
	switch {
	case least > most:
		return 0, 0, fault.Invalid.Errorf("min_count must be <= max_count")
	case most > maxServers:
		return 0, 0, fault.Invalid.Errorf("max_count is at most %d", maxServers)
	case most == 1:
		return least, most, nil
	case spec.Hostname != "":
		return 0, 0, fault.Invalid.Errorf("server.hostname: several servers cannot have one host name")
	}
	for _, n := range spec.Networks {
		if n.PortID != "" || n.FixedIP != "" {
			return 0, 0, fault.Invalid.Errorf("server.networks: several servers cannot have one port or fixed IP")
		}
	}
	for _, d := range spec.BlockDevices {
		if d.VolumeID != "" {
			return 0, 0, fault.Invalid.Errorf("cannot attach one or more volumes to multiple instances")
		}
	}
	return least, most, nil
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func checkName(name string) error {
	if strings.TrimSpace(name) != name {
		return fault.Invalid.Errorf("server.name: must neither begin nor end with blanks")
	}
	return nil
}

var hostnames = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$`)

func checkHostname(name string) error {
	if !hostnames.MatchString(name) {
		return fault.Invalid.Errorf("server.hostname: %q is not a host name: use letters, digits and inner hyphens", name)
	}
	return nil
}

// checkAccess checks addresses by which a server says it is reached, and writes the
// second as everybody does. Empty is none.
func checkAccess(v4, v6 *string) error {
	if v4 != nil && *v4 != "" && !validIP(*v4, 4) {
		return fault.Invalid.Errorf("server.accessIPv4: %q is not an IPv4 address", *v4)
	}
	if v6 == nil || *v6 == "" {
		return nil
	}
	if !validIP(*v6, 6) {
		return fault.Invalid.Errorf("server.accessIPv6: %q is not an IPv6 address", *v6)
	}
	*v6 = netip.MustParseAddr(*v6).String()
	return nil
}
