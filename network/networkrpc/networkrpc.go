// Package networkrpc lets one process use the networks of another, and carry
// networks for it: Client is a Service that lives elsewhere, Host a Driver that does.
package networkrpc

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/network"
)

const (
	createNetwork = bus.Method[network.Spec, network.Network]("network.create")
	showNetwork   = bus.Method[network.ID, network.Network]("network.show")
	showNetworks  = bus.Method[network.Query, page.Of[network.Network]]("network.list")
	updateNetwork = bus.Method[network.Patch, network.Network]("network.update")
	deleteNetwork = bus.Method[network.ID, bus.None]("network.delete")

	createSubnet = bus.Method[network.SubnetSpec, network.Subnet]("network.subnet.create")
	showSubnet   = bus.Method[network.SubnetID, network.Subnet]("network.subnet.show")
	showSubnets  = bus.Method[network.Query, page.Of[network.Subnet]]("network.subnet.list")
	updateSubnet = bus.Method[network.SubnetPatch, network.Subnet]("network.subnet.update")
	deleteSubnet = bus.Method[network.SubnetID, bus.None]("network.subnet.delete")

	createSubnetPool = bus.Method[network.SubnetPoolSpec, network.SubnetPool]("network.subnetpool.create")
	showSubnetPool   = bus.Method[network.SubnetPoolID, network.SubnetPool]("network.subnetpool.show")
	showSubnetPools  = bus.Method[network.Query, page.Of[network.SubnetPool]]("network.subnetpool.list")
	updateSubnetPool = bus.Method[network.SubnetPoolPatch, network.SubnetPool]("network.subnetpool.update")
	deleteSubnetPool = bus.Method[network.SubnetPoolID, bus.None]("network.subnetpool.delete")

	createPort = bus.Method[network.PortSpec, network.Port]("network.port.create")
	showPort   = bus.Method[network.PortID, network.Port]("network.port.show")
	showPorts  = bus.Method[network.Query, page.Of[network.Port]]("network.port.list")
	updatePort = bus.Method[network.PortPatch, network.Port]("network.port.update")
	deletePort = bus.Method[network.PortID, bus.None]("network.port.delete")

	showAvailabilityZones = bus.Method[bus.None, []string]("network.zone.list")
	reportHost            = bus.Method[string, bus.None]("network.host.report")
	showHosts             = bus.Method[bus.None, []network.HostState]("network.host.list")
	deleteHost            = bus.Method[string, bus.None]("network.host.delete")
	bind                  = bus.Method[network.BindSpec, network.Port]("network.port.bind")
	unbind                = bus.Method[network.UnbindSpec, bus.None]("network.port.unbind")
	showHostView          = bus.Method[string, network.View]("network.host.view")
	showPortByAddress     = bus.Method[network.Guest, network.Port]("network.port.by-address")

	createSecurityGroup = bus.Method[network.SecurityGroupSpec, network.SecurityGroup]("network.group.create")
	showSecurityGroup   = bus.Method[network.SecurityGroupID, network.SecurityGroup]("network.group.show")
	showSecurityGroups  = bus.Method[network.Query, page.Of[network.SecurityGroup]]("network.group.list")
	updateSecurityGroup = bus.Method[network.SecurityGroupPatch, network.SecurityGroup]("network.group.update")
	deleteSecurityGroup = bus.Method[network.SecurityGroupID, bus.None]("network.group.delete")
	createRule          = bus.Method[network.Rule, network.Rule]("network.rule.create")
	showRule            = bus.Method[network.RuleID, network.Rule]("network.rule.show")
	showRules           = bus.Method[network.Query, page.Of[network.Rule]]("network.rule.list")
	deleteRule          = bus.Method[network.RuleID, bus.None]("network.rule.delete")

	createRouter    = bus.Method[network.RouterSpec, network.Router]("network.router.create")
	showRouter      = bus.Method[network.RouterID, network.Router]("network.router.show")
	showRouters     = bus.Method[network.Query, page.Of[network.Router]]("network.router.list")
	updateRouter    = bus.Method[network.RouterPatch, network.Router]("network.router.update")
	deleteRouter    = bus.Method[network.RouterID, bus.None]("network.router.delete")
	addInterface    = bus.Method[network.InterfaceSpec, network.Port]("network.router.add-interface")
	removeInterface = bus.Method[network.InterfaceSpec, network.Port]("network.router.remove-interface")
	changeRoutes    = bus.Method[network.RoutesSpec, network.Router]("network.router.change-routes")

	createFloatingIP = bus.Method[network.FloatingIPSpec, network.FloatingIP]("network.floatingip.create")
	showFloatingIP   = bus.Method[network.FloatingID, network.FloatingIP]("network.floatingip.show")
	showFloatingIPs  = bus.Method[network.Query, page.Of[network.FloatingIP]]("network.floatingip.list")
	updateFloatingIP = bus.Method[network.FloatingIPPatch, network.FloatingIP]("network.floatingip.update")
	deleteFloatingIP = bus.Method[network.FloatingID, bus.None]("network.floatingip.delete")

	showTags   = bus.Method[network.Tagged, []string]("network.tags.show")
	setTags    = bus.Method[network.Tagged, []string]("network.tags.set")
	changeTags = bus.Method[network.TagPatch, []string]("network.tags.change")
	showQuota  = bus.Method[string, network.Quota]("network.quota.show")
	showQuotas = bus.Method[bus.None, []network.Quota]("network.quota.list")
	setQuota   = bus.Method[network.QuotaPatch, network.Quota]("network.quota.set")
)

// Serve offers s to the other processes on b.
func Serve(b *bus.Bus, s network.Service) {
	createNetwork.Serve(b, s.CreateNetwork)
	showNetwork.Serve(b, s.Network)
	showNetworks.Serve(b, s.Networks)
	updateNetwork.Serve(b, s.UpdateNetwork)
	deleteNetwork.Serve(b, bus.NoResult(s.DeleteNetwork))
	createSubnet.Serve(b, s.CreateSubnet)
	showSubnet.Serve(b, s.Subnet)
	showSubnets.Serve(b, s.Subnets)
	updateSubnet.Serve(b, s.UpdateSubnet)
	deleteSubnet.Serve(b, bus.NoResult(s.DeleteSubnet))
	createSubnetPool.Serve(b, s.CreateSubnetPool)
	showSubnetPool.Serve(b, s.SubnetPool)
	showSubnetPools.Serve(b, s.SubnetPools)
	updateSubnetPool.Serve(b, s.UpdateSubnetPool)
	deleteSubnetPool.Serve(b, bus.NoResult(s.DeleteSubnetPool))
	createPort.Serve(b, s.CreatePort)
	showPort.Serve(b, s.Port)
	showPorts.Serve(b, s.Ports)
	updatePort.Serve(b, s.UpdatePort)
	deletePort.Serve(b, bus.NoResult(s.DeletePort))
	showAvailabilityZones.Serve(b, noRequest(s.AvailabilityZones))
	reportHost.Serve(b, bus.NoResult(s.ReportHost))
	showHosts.Serve(b, noRequest(s.Hosts))
	deleteHost.Serve(b, bus.NoResult(s.DeleteHost))
	bind.Serve(b, s.Bind)
	unbind.Serve(b, bus.NoResult(s.Unbind))
	showHostView.Serve(b, s.HostView)
	showPortByAddress.Serve(b, s.PortByAddress)
	createSecurityGroup.Serve(b, s.CreateSecurityGroup)
	showSecurityGroup.Serve(b, s.SecurityGroup)
	showSecurityGroups.Serve(b, s.SecurityGroups)
	updateSecurityGroup.Serve(b, s.UpdateSecurityGroup)
	deleteSecurityGroup.Serve(b, bus.NoResult(s.DeleteSecurityGroup))
	createRule.Serve(b, s.CreateRule)
	showRule.Serve(b, s.Rule)
	showRules.Serve(b, s.Rules)
	deleteRule.Serve(b, bus.NoResult(s.DeleteRule))
	createRouter.Serve(b, s.CreateRouter)
	showRouter.Serve(b, s.Router)
	showRouters.Serve(b, s.Routers)
	updateRouter.Serve(b, s.UpdateRouter)
	deleteRouter.Serve(b, bus.NoResult(s.DeleteRouter))
	addInterface.Serve(b, s.AddInterface)
	removeInterface.Serve(b, s.RemoveInterface)
	changeRoutes.Serve(b, s.ChangeRoutes)
	createFloatingIP.Serve(b, s.CreateFloatingIP)
	showFloatingIP.Serve(b, s.FloatingIP)
	showFloatingIPs.Serve(b, s.FloatingIPs)
	updateFloatingIP.Serve(b, s.UpdateFloatingIP)
	deleteFloatingIP.Serve(b, bus.NoResult(s.DeleteFloatingIP))
	showTags.Serve(b, s.Tags)
	setTags.Serve(b, s.SetTags)
	changeTags.Serve(b, s.ChangeTags)
	showQuota.Serve(b, s.Quota)
	showQuotas.Serve(b, noRequest(s.Quotas))
	setQuota.Serve(b, s.SetQuota)
}

// noRequest makes a handler of a function that asks nothing.
func noRequest[Res any](f func(context.Context) (Res, error)) func(context.Context, bus.None) (Res, error) {
	return func(ctx context.Context, _ bus.None) (Res, error) { return f(ctx) }
}
