package computeapi

import (
	"slices"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// An extension is a part of the API that once was optional. Clients still look
// for them by alias.
type extension struct {
	Alias       string   `json:"alias"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Updated     string   `json:"updated"`
	Namespace   string   `json:"namespace"`
	Links       []string `json:"links"`
}

var extensions = func() []extension {
	var list []extension
	for _, e := range [][3]string{
		{"OS-DCF", "DiskConfig", "How a server's disk is partitioned."},
		{"OS-EXT-AZ", "ExtendedAvailabilityZone", "The availability zone of servers."},
		{"OS-EXT-IMG-SIZE", "ImageSize", "The size of images."},
		{"OS-EXT-IPS", "ExtendedIps", "The kind of addresses."},
		{"OS-EXT-IPS-MAC", "ExtendedIpsMac", "The MAC of addresses."},
		{"OS-EXT-SRV-ATTR", "ExtendedServerAttributes", "Where servers run."},
		{"OS-EXT-STS", "ExtendedStatus", "The states of servers in detail."},
		{"OS-FLV-DISABLED", "FlavorDisabled", "Whether flavors are disabled."},
		{"OS-FLV-EXT-DATA", "FlavorExtraData", "The ephemeral disks of flavors."},
		{"OS-SCH-HNT", "SchedulerHints", "Hints for the scheduler."},
		{"OS-SRV-USG", "ServerUsage", "When servers were launched."},
		{"os-admin-actions", "AdminActions", "Actions for administrators."},
		{"os-aggregates", "Aggregates", "Host aggregates."},
		{"os-attach-interfaces", "AttachInterfaces", "Plugging ports into servers."},
		{"os-availability-zone", "AvailabilityZone", "Availability zones."},
		{"os-block-device-mapping-v2-boot", "BlockDeviceMappingV2Boot", "Booting from volumes."},
		{"os-config-drive", "ConfigDrive", "Metadata on a disk."},
		{"os-console-output", "ConsoleOutput", "What servers write to their consoles."},
		{"os-consoles", "Consoles", "Consoles of servers."},
		{"os-extended-volumes", "ExtendedVolumes", "The volumes of servers."},
		{"os-flavor-access", "FlavorAccess", "Flavors for some projects."},
		{"os-flavor-extra-specs", "FlavorExtraSpecs", "What operators say about flavors."},
		{"os-flavor-manage", "FlavorManage", "Creating and deleting flavors."},
		{"os-flavor-rxtx", "FlavorRxtx", "The transfer factor of flavors."},
		{"os-flavor-swap", "FlavorSwap", "The swap of flavors."},
		{"os-hosts", "Hosts", "Hosts, before they were hypervisors."},
		{"os-hypervisors", "Hypervisors", "Hosts."},
		{"os-instance-actions", "ServerActions", "What was asked of servers."},
		{"os-keypairs", "Keypairs", "Keys."},
		{"os-multiple-create", "MultipleCreate", "Creating several servers at once."},
		{"os-quota-class-sets", "QuotaClasses", "Default limits of projects."},
		{"os-quota-sets", "Quotas", "Limits of projects."},
		{"os-security-groups", "SecurityGroups", "Security groups."},
		{"os-server-external-events", "ServerExternalEvents", "What other services tell about servers."},
		{"os-server-groups", "ServerGroups", "Server groups."},
		{"os-server-password", "ServerPassword", "Passwords of servers."},
		{"os-server-start-stop", "ServerStartStop", "Starting and stopping servers."},
		{"os-services", "Services", "The services of hosts."},
		{"os-simple-tenant-usage", "SimpleTenantUsage", "What projects used."},
		{"os-used-limits", "UsedLimits", "What projects use of their limits."},
		{"os-user-data", "UserData", "Data for servers."},
		{"os-volumes", "Volumes", "Attaching volumes to servers."},
	} {
		list = append(list, extension{
			Alias: e[0], Name: e[1], Description: e[2], Updated: "2014-12-03T00:00:00Z",
			Namespace: "http://docs.openstack.org/compute/ext/fake_xml",
		})
	}
	return list
}()

func extensionRoutes() []rest.Route {
	return []rest.Route{
		rest.GET("/v2.1/extensions", func(*rest.Request) (rest.Response, error) {
			return rest.ReplyUnder("extensions", extensions), nil
		}),
		rest.GET("/v2.1/extensions/{alias}", func(r *rest.Request) (rest.Response, error) {
			i := slices.IndexFunc(extensions, func(e extension) bool { return e.Alias == r.Param("alias") })
			if i < 0 {
				return rest.Response{}, fault.NotFound.Errorf("extension %s could not be found", r.Param("alias"))
			}
			return rest.ReplyUnder("extension", extensions[i]), nil
		}),
	}
}
