package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/embedded"
	"github.com/nacre-cloud/nacre/identity"
)

// A cloud is what Tempest must be told about the cloud under test.
type cloud struct {
	AuthURL, Region                     string
	Username, Password, Project, Domain string
	Image, OtherImage                   string
	Flavor, OtherFlavor                 string // the other is larger
	PublicNetwork, PublicNetworkName    string
	NetworkExtensions, ObjectFeatures   []string // what the services say they have
}

// What the cloud does besides, which it does not by default. Tempest is told.
const (
	passwordHistory = 2
	lockoutAttempts = 2
	lockoutDuration = 5 * time.Second
)

// strict makes passwords as strict as Tempest's tests of them ask.
func strict(c identity.Config) identity.Config {
	c.PasswordHistory, c.LockoutAttempts, c.LockoutDuration = passwordHistory, lockoutAttempts, lockoutDuration
	return c
}

// startCloud starts the cloud of examples/embedded in this process, with strict
// passwords. It keeps itself in DIR/cloud, and its log is DIR/cloud.log.
func startCloud(ctx context.Context, dir string) (stop func(), err error) {
	log, err := os.Create(filepath.Join(dir, "cloud.log"))
	if err != nil {
		return nil, err
	}
	state := filepath.Join(dir, "cloud")
	if err := os.RemoveAll(state); err != nil {
		return nil, err
	}
	c, err := embedded.Start(ctx, embedded.Config{
		Dir:     state,
		Log:     slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Options: []fx.Option{fx.Decorate(strict)},
	})
	if err != nil {
		return nil, fmt.Errorf("start a cloud: %w", err)
	}
	return func() {
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if err := errors.Join(c.Stop(limit), log.Close()); err != nil {
			fmt.Fprintln(os.Stderr, "tempest: stop the cloud:", err)
		}
	}, nil
}

// look reads how to reach the cloud from its clouds.yaml, and the rest through its APIs.
func look(ctx context.Context, clouds string) (cloud, error) {
	text, err := os.ReadFile(clouds)
	if err != nil {
		return cloud{}, err
	}
	var file struct {
		Clouds map[string]struct {
			Auth struct {
				URL      string `yaml:"auth_url"`
				Username string `yaml:"username"`
				Password string `yaml:"password"`
				Project  string `yaml:"project_name"`
				Domain   string `yaml:"user_domain_name"`
			} `yaml:"auth"`
			Region string `yaml:"region_name"`
		} `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return cloud{}, fmt.Errorf("%s: %w", clouds, err)
	}
	if len(file.Clouds) != 1 {
		return cloud{}, fmt.Errorf("%s has %d clouds, want one", clouds, len(file.Clouds))
	}
	var c cloud
	for _, f := range file.Clouds {
		c = cloud{
			AuthURL: f.Auth.URL, Region: f.Region, Username: f.Auth.Username, Password: f.Auth.Password,
			Project: f.Auth.Project, Domain: f.Auth.Domain,
		}
	}
	return c, c.find(ctx)
}

// find fills in the ids of what the cloud holds.
func (c *cloud) find(ctx context.Context) error {
	p, err := openstack.AuthenticatedClient(ctx, gophercloud.AuthOptions{
		IdentityEndpoint: c.AuthURL, Username: c.Username, Password: c.Password, TenantName: c.Project, DomainName: c.Domain,
	})
	if err != nil {
		return err
	}
	where := gophercloud.EndpointOpts{Region: c.Region}
	for _, find := range []func(context.Context, *gophercloud.ProviderClient, gophercloud.EndpointOpts) error{
		c.findImages, c.findFlavors, c.findNetwork, c.findExtensions, c.findObjectFeatures,
	} {
		if err := find(ctx, p, where); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) findImages(ctx context.Context, p *gophercloud.ProviderClient, where gophercloud.EndpointOpts) error {
	client, err := openstack.NewImageV2(p, where)
	if err != nil {
		return err
	}
	pages, err := images.List(client, images.ListOpts{Visibility: images.ImageVisibilityPublic, Status: images.ImageStatusActive}).AllPages(ctx)
	if err != nil {
		return err
	}
	all, err := images.ExtractImages(pages)
	if err != nil {
		return err
	}
	if len(all) < 2 {
		return fmt.Errorf("%d public images, Tempest needs two", len(all))
	}
	c.Image, c.OtherImage = all[0].ID, all[1].ID
	return nil
}

func (c *cloud) findFlavors(ctx context.Context, p *gophercloud.ProviderClient, where gophercloud.EndpointOpts) error {
	client, err := openstack.NewComputeV2(p, where)
	if err != nil {
		return err
	}
	pages, err := flavors.ListDetail(client, nil).AllPages(ctx)
	if err != nil {
		return err
	}
	all, err := flavors.ExtractFlavors(pages)
	if err != nil {
		return err
	}
	if len(all) < 2 {
		return fmt.Errorf("%d flavors, Tempest needs two", len(all))
	}
	slices.SortFunc(all, func(a, b flavors.Flavor) int { return a.RAM - b.RAM })
	c.Flavor, c.OtherFlavor = all[0].ID, all[1].ID
	return nil
}

func (c *cloud) findNetwork(ctx context.Context, p *gophercloud.ProviderClient, where gophercloud.EndpointOpts) error {
	client, err := openstack.NewNetworkV2(p, where)
	if err != nil {
		return err
	}
	pages, err := networks.List(client, externalOnly{}).AllPages(ctx)
	if err != nil {
		return err
	}
	all, err := networks.ExtractNetworks(pages)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("no external network")
	}
	c.PublicNetwork, c.PublicNetworkName = all[0].ID, all[0].Name
	return nil
}

type externalOnly struct{}

// ToNetworkListQuery lists external networks only.
func (externalOnly) ToNetworkListQuery() (string, error) { return "?router:external=True", nil }

func (c *cloud) findExtensions(ctx context.Context, p *gophercloud.ProviderClient, where gophercloud.EndpointOpts) error {
	client, err := openstack.NewNetworkV2(p, where)
	if err != nil {
		return err
	}
	pages, err := extensions.List(client).AllPages(ctx)
	if err != nil {
		return err
	}
	all, err := extensions.ExtractExtensions(pages)
	for _, e := range all {
		c.NetworkExtensions = append(c.NetworkExtensions, e.Alias)
	}
	return err
}

func (c *cloud) findObjectFeatures(ctx context.Context, p *gophercloud.ProviderClient, where gophercloud.EndpointOpts) error {
	client, err := openstack.NewObjectStorageV1(p, where)
	if err != nil {
		return err
	}
	root, _, _ := strings.Cut(client.Endpoint, "/v1/")
	var info map[string]any
	resp, err := p.Request(ctx, http.MethodGet, root+"/info", &gophercloud.RequestOpts{JSONResponse: &info, OkCodes: []int{http.StatusOK}})
	if err != nil {
		return err
	}
	c.ObjectFeatures = slices.Sorted(maps.Keys(info))
	return resp.Body.Close()
}
