package networkrpc

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/network"
)

// Client is the network.Service of another process.
type Client struct{ Bus *bus.Bus }

// CreateNetwork implements network.Service.
func (c Client) CreateNetwork(ctx context.Context, s network.Spec) (network.Network, error) {
	return createNetwork.Call(ctx, c.Bus, s)
}

// Network implements network.Service.
func (c Client) Network(ctx context.Context, id network.ID) (network.Network, error) {
	return showNetwork.Call(ctx, c.Bus, id)
}

// Networks implements network.Service.
func (c Client) Networks(ctx context.Context, q network.Query) (page.Of[network.Network], error) {
	return showNetworks.Call(ctx, c.Bus, q)
}

// UpdateNetwork implements network.Service.
func (c Client) UpdateNetwork(ctx context.Context, p network.Patch) (network.Network, error) {
	return updateNetwork.Call(ctx, c.Bus, p)
}

// DeleteNetwork implements network.Service.
func (c Client) DeleteNetwork(ctx context.Context, id network.ID) error {
	_, err := deleteNetwork.Call(ctx, c.Bus, id)
	return err
}

// CreateSubnet implements network.Service.
func (c Client) CreateSubnet(ctx context.Context, s network.SubnetSpec) (network.Subnet, error) {
	return createSubnet.Call(ctx, c.Bus, s)
}

// Subnet implements network.Service.
func (c Client) Subnet(ctx context.Context, id network.SubnetID) (network.Subnet, error) {
	return showSubnet.Call(ctx, c.Bus, id)
}

// Subnets implements network.Service.
func (c Client) Subnets(ctx context.Context, q network.Query) (page.Of[network.Subnet], error) {
	return showSubnets.Call(ctx, c.Bus, q)
}

// UpdateSubnet implements network.Service.
func (c Client) UpdateSubnet(ctx context.Context, p network.SubnetPatch) (network.Subnet, error) {
	return updateSubnet.Call(ctx, c.Bus, p)
}

// DeleteSubnet implements network.Service.
func (c Client) DeleteSubnet(ctx context.Context, id network.SubnetID) error {
	_, err := deleteSubnet.Call(ctx, c.Bus, id)
	return err
}

// CreateSubnetPool implements network.Service.
func (c Client) CreateSubnetPool(ctx context.Context, s network.SubnetPoolSpec) (network.SubnetPool, error) {
	return createSubnetPool.Call(ctx, c.Bus, s)
}

// SubnetPool implements network.Service.
func (c Client) SubnetPool(ctx context.Context, id network.SubnetPoolID) (network.SubnetPool, error) {
	return showSubnetPool.Call(ctx, c.Bus, id)
}

// SubnetPools implements network.Service.
func (c Client) SubnetPools(ctx context.Context, q network.Query) (page.Of[network.SubnetPool], error) {
	return showSubnetPools.Call(ctx, c.Bus, q)
}

// UpdateSubnetPool implements network.Service.
func (c Client) UpdateSubnetPool(ctx context.Context, p network.SubnetPoolPatch) (network.SubnetPool, error) {
	return updateSubnetPool.Call(ctx, c.Bus, p)
}

// DeleteSubnetPool implements network.Service.
func (c Client) DeleteSubnetPool(ctx context.Context, id network.SubnetPoolID) error {
	_, err := deleteSubnetPool.Call(ctx, c.Bus, id)
	return err
}

// CreatePort implements network.Service.
func (c Client) CreatePort(ctx context.Context, s network.PortSpec) (network.Port, error) {
	return createPort.Call(ctx, c.Bus, s)
}

// Port implements network.Service.
func (c Client) Port(ctx context.Context, id network.PortID) (network.Port, error) {
	return showPort.Call(ctx, c.Bus, id)
}

// Ports implements network.Service.
func (c Client) Ports(ctx context.Context, q network.Query) (page.Of[network.Port], error) {
	return showPorts.Call(ctx, c.Bus, q)
}

// UpdatePort implements network.Service.
func (c Client) UpdatePort(ctx context.Context, p network.PortPatch) (network.Port, error) {
	return updatePort.Call(ctx, c.Bus, p)
}

// DeletePort implements network.Service.
func (c Client) DeletePort(ctx context.Context, id network.PortID) error {
	_, err := deletePort.Call(ctx, c.Bus, id)
	return err
}

// AvailabilityZones implements network.Service.
func (c Client) AvailabilityZones(ctx context.Context) ([]string, error) {
	return showAvailabilityZones.Call(ctx, c.Bus, bus.None{})
}

// Hosts implements network.Service.
func (c Client) Hosts(ctx context.Context) ([]network.HostState, error) {
	return showHosts.Call(ctx, c.Bus, bus.None{})
}

// Bind implements network.Service.
func (c Client) Bind(ctx context.Context, s network.BindSpec) (network.Port, error) {
	return bind.Call(ctx, c.Bus, s)
}

// Unbind implements network.Service.
func (c Client) Unbind(ctx context.Context, s network.UnbindSpec) error {
	_, err := unbind.Call(ctx, c.Bus, s)
	return err
}

// HostView implements network.Service.
func (c Client) HostView(ctx context.Context, host string) (network.View, error) {
	return showHostView.Call(ctx, c.Bus, host)
}

// ReportHost implements network.Service.
func (c Client) ReportHost(ctx context.Context, host string) error {
	_, err := reportHost.Call(ctx, c.Bus, host)
	return err
}

// DeleteHost implements network.Service.
func (c Client) DeleteHost(ctx context.Context, host string) error {
	_, err := deleteHost.Call(ctx, c.Bus, host)
	return err
}

// PortByAddress implements network.Service.
func (c Client) PortByAddress(ctx context.Context, g network.Guest) (network.Port, error) {
	return showPortByAddress.Call(ctx, c.Bus, g)
}

// CreateSecurityGroup implements network.Service.
func (c Client) CreateSecurityGroup(ctx context.Context, s network.SecurityGroupSpec) (network.SecurityGroup, error) {
	return createSecurityGroup.Call(ctx, c.Bus, s)
}

// SecurityGroup implements network.Service.
func (c Client) SecurityGroup(ctx context.Context, id network.SecurityGroupID) (network.SecurityGroup, error) {
	return showSecurityGroup.Call(ctx, c.Bus, id)
}

// SecurityGroups implements network.Service.
func (c Client) SecurityGroups(ctx context.Context, q network.Query) (page.Of[network.SecurityGroup], error) {
	return showSecurityGroups.Call(ctx, c.Bus, q)
}

// UpdateSecurityGroup implements network.Service.
func (c Client) UpdateSecurityGroup(ctx context.Context, p network.SecurityGroupPatch) (network.SecurityGroup, error) {
	return updateSecurityGroup.Call(ctx, c.Bus, p)
}

// DeleteSecurityGroup implements network.Service.
func (c Client) DeleteSecurityGroup(ctx context.Context, id network.SecurityGroupID) error {
	_, err := deleteSecurityGroup.Call(ctx, c.Bus, id)
	return err
}

// CreateRule implements network.Service.
func (c Client) CreateRule(ctx context.Context, r network.Rule) (network.Rule, error) {
	return createRule.Call(ctx, c.Bus, r)
}

// Rule implements network.Service.
func (c Client) Rule(ctx context.Context, id network.RuleID) (network.Rule, error) {
	return showRule.Call(ctx, c.Bus, id)
}

// Rules implements network.Service.
func (c Client) Rules(ctx context.Context, q network.Query) (page.Of[network.Rule], error) {
	return showRules.Call(ctx, c.Bus, q)
}

// DeleteRule implements network.Service.
func (c Client) DeleteRule(ctx context.Context, id network.RuleID) error {
	_, err := deleteRule.Call(ctx, c.Bus, id)
	return err
}

// CreateRouter implements network.Service.
func (c Client) CreateRouter(ctx context.Context, s network.RouterSpec) (network.Router, error) {
	return createRouter.Call(ctx, c.Bus, s)
}

// Router implements network.Service.
func (c Client) Router(ctx context.Context, id network.RouterID) (network.Router, error) {
	return showRouter.Call(ctx, c.Bus, id)
}

// Routers implements network.Service.
func (c Client) Routers(ctx context.Context, q network.Query) (page.Of[network.Router], error) {
	return showRouters.Call(ctx, c.Bus, q)
}

// UpdateRouter implements network.Service.
func (c Client) UpdateRouter(ctx context.Context, p network.RouterPatch) (network.Router, error) {
	return updateRouter.Call(ctx, c.Bus, p)
}

// DeleteRouter implements network.Service.
func (c Client) DeleteRouter(ctx context.Context, id network.RouterID) error {
	_, err := deleteRouter.Call(ctx, c.Bus, id)
	return err
}

// AddInterface implements network.Service.
func (c Client) AddInterface(ctx context.Context, s network.InterfaceSpec) (network.Port, error) {
	return addInterface.Call(ctx, c.Bus, s)
}

// RemoveInterface implements network.Service.
func (c Client) RemoveInterface(ctx context.Context, s network.InterfaceSpec) (network.Port, error) {
	return removeInterface.Call(ctx, c.Bus, s)
}

// ChangeRoutes implements network.Service.
func (c Client) ChangeRoutes(ctx context.Context, s network.RoutesSpec) (network.Router, error) {
	return changeRoutes.Call(ctx, c.Bus, s)
}

// CreateFloatingIP implements network.Service.
func (c Client) CreateFloatingIP(ctx context.Context, s network.FloatingIPSpec) (network.FloatingIP, error) {
	return createFloatingIP.Call(ctx, c.Bus, s)
}

// FloatingIP implements network.Service.
func (c Client) FloatingIP(ctx context.Context, id network.FloatingID) (network.FloatingIP, error) {
	return showFloatingIP.Call(ctx, c.Bus, id)
}

// FloatingIPs implements network.Service.
func (c Client) FloatingIPs(ctx context.Context, q network.Query) (page.Of[network.FloatingIP], error) {
	return showFloatingIPs.Call(ctx, c.Bus, q)
}

// UpdateFloatingIP implements network.Service.
func (c Client) UpdateFloatingIP(ctx context.Context, p network.FloatingIPPatch) (network.FloatingIP, error) {
	return updateFloatingIP.Call(ctx, c.Bus, p)
}

// DeleteFloatingIP implements network.Service.
func (c Client) DeleteFloatingIP(ctx context.Context, id network.FloatingID) error {
	_, err := deleteFloatingIP.Call(ctx, c.Bus, id)
	return err
}

// Tags implements network.Service.
func (c Client) Tags(ctx context.Context, t network.Tagged) ([]string, error) {
	return showTags.Call(ctx, c.Bus, t)
}

// SetTags implements network.Service.
func (c Client) SetTags(ctx context.Context, t network.Tagged) ([]string, error) {
	return setTags.Call(ctx, c.Bus, t)
}

// ChangeTags implements network.Service.
func (c Client) ChangeTags(ctx context.Context, p network.TagPatch) ([]string, error) {
	return changeTags.Call(ctx, c.Bus, p)
}

// Quota implements network.Service.
func (c Client) Quota(ctx context.Context, project string) (network.Quota, error) {
	return showQuota.Call(ctx, c.Bus, project)
}

// Quotas implements network.Service.
func (c Client) Quotas(ctx context.Context) ([]network.Quota, error) {
	return showQuotas.Call(ctx, c.Bus, bus.None{})
}

// SetQuota implements network.Service.
func (c Client) SetQuota(ctx context.Context, p network.QuotaPatch) (network.Quota, error) {
	return setQuota.Call(ctx, c.Bus, p)
}

var _ network.Service = Client{}
