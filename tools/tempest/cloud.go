package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
)

// A cloud is what Tempest must be told about the cloud under test.
type cloud struct {
	AuthURL, Region                     string
	Username, Password, Project, Domain string
	Image, OtherImage                   string
	Flavor, OtherFlavor                 string // the other is larger
	PublicNetwork, PublicNetworkName    string
}

// startCloud builds and starts examples/embedded and waits until it has written
// DIR/cloud/clouds.yaml.
func startCloud(ctx context.Context, dir string) (stop func(), err error) {
	program := filepath.Join(dir, "embedded")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/nacre-cloud/nacre/examples/embedded")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build examples/embedded: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "cloud.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	state := filepath.Join(dir, "cloud")
	if err := os.RemoveAll(state); err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "-listen", "127.0.0.1:0", "-dir", state)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
		}
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(filepath.Join(state, "clouds.yaml")); err == nil {
			return stop, nil
		}
		select {
		case <-tick.C:
		case <-ended:
			return nil, fmt.Errorf("the cloud did not start: see %s", log.Name())
		case <-ctx.Done():
			stop()
			return nil, ctx.Err()
		}
	}
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
		c.findImages, c.findFlavors, c.findNetwork,
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
