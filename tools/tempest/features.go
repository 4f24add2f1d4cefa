package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

// A feature is an option of tempest.conf that switches tests on or off.
type feature struct {
	section, option string
	have            bool
}

// features says what Nacre offers. A feature that is not listed has Tempest's default.
var features = []feature{
	{"compute", "change_password", false},
	{"compute", "cold_migration", false},
	{"compute", "config_drive", true},
	{"compute", "console_output", true},
	{"compute", "disk_config", false},
	{"compute", "enable_instance_password", true},
	{"compute", "interface_attach", true},
	{"compute", "live_migration", false},
	{"compute", "metadata_service", true},
	{"compute", "pause", true},
	{"compute", "personality", false},
	{"compute", "rescue", false},
	{"compute", "resize", false},
	{"compute", "shelve", false},
	{"compute", "snapshot", false},
	{"compute", "stable_rescue", false},
	{"compute", "suspend", true},
	{"compute", "swap_volume", false},
	{"compute", "volume_multiattach", false},
	// Whatever its name says, tests that write a server's metadata ask for it.
	{"compute", "xenapi_apis", true},

	{"identity", "access_rules", false},
	{"identity", "api_v2_admin", false},
	{"identity", "application_credentials", true},
	{"identity", "project_tags", true},
	{"identity", "security_compliance", true}, // startCloud asks for it
	{"identity", "trust", false},

	{"image", "import_image", false},
	{"image", "manage_locations", false},
	{"image", "os_glance_reserved", false},

	{"network", "floating_ips", true},
	{"network", "ipv6", true},
	{"network", "ipv6_subnet_attributes", true},
	{"network", "port_admin_state_change", true},
	{"network", "port_security", true},

	{"object-storage", "container_sync", false},
	{"object-storage", "discoverability", true},
	{"object-storage", "object_versioning", true},

	{"volume", "backup", false},
	{"volume", "clone", true},
	{"volume", "extend_attached_volume", false},
	{"volume", "manage_snapshot", false},
	{"volume", "manage_volume", false},
	{"volume", "snapshot", true},
}

// lists are the options of a section that name what a service has, if there are any.
func (c cloud) lists(section string) string {
	switch section {
	case "identity":
		return "api_extensions = OS-INHERIT\n"
	case "network":
		return "api_extensions = " + strings.Join(c.NetworkExtensions, ",") + "\n"
	case "object-storage":
		return "discoverable_apis = " + strings.Join(c.ObjectFeatures, ",") + "\n"
	}
	return ""
}

//go:embed tempest.conf.tmpl
var text string

var settings = template.Must(template.New("tempest.conf").Parse(text))

const (
	rebuilds = "rebuilding of servers"
	resets   = "reset of a server's state by an administrator"
)

// absent are tests of what Nacre does not have, where Tempest has no option to say
// so: how their ids begin, and what is not there.
var absent = []struct{ prefix, what string }{
	{"tempest.api.compute.admin.test_aggregates", "aggregates of hosts"},
	{"tempest.api.compute.admin.test_delete_server.DeleteServersAdminTestJSON.test_delete_server_while_in_error_state", resets},
	{"tempest.api.compute.admin.test_hosts", "os-hosts"},
	{"tempest.api.compute.admin.test_hypervisor.HypervisorAdminTestJSON.test_get_hypervisor_uptime", "uptime of hosts"},
	{"tempest.api.compute.admin.test_instance_usage_audit_log", "log of usage audits"},
	{"tempest.api.compute.admin.test_networks.", "os-networks"},
	{"tempest.api.compute.admin.test_quotas.QuotaClassesAdmin", "default quotas that change while the cloud runs"},
	{"tempest.api.compute.admin.test_server_diagnostics", "diagnostics of servers"},
	{"tempest.api.compute.admin.test_servers.ServersAdmin275Test.test_rebuild", rebuilds},
	{"tempest.api.compute.admin.test_servers.ServersAdminTestJSON.test_list_servers_filter_by_error_status", resets},
	{"tempest.api.compute.admin.test_servers.ServersAdminTestJSON.test_rebuild", rebuilds},
	{"tempest.api.compute.admin.test_servers.ServersAdminTestJSON.test_reset", resets},
	{"tempest.api.compute.admin.test_servers_negative.ServersAdminNegativeTestJSON.test_reset_state", resets},
	{"tempest.api.compute.admin.test_servers_on_multinodes.ServersOnMultiNodesTest.test_create_server_with_scheduler_hint_group", "groups of servers"},
	{"tempest.api.compute.admin.test_servers_on_multinodes.UnshelveToHostMultiNodesTest", "shelving"},
	{"tempest.api.compute.admin.test_volumes_negative.VolumesAdminNegativeTest.test_update_attached_volume", "exchange of attached volumes"},
	{"tempest.api.compute.floating_ips.", "os-floating-ips"},
	{"tempest.api.compute.servers.test_server_actions.ServerActionsTestJSON.test_rebuild", rebuilds},
	{"tempest.api.compute.servers.test_server_group.", "groups of servers"},
	{"tempest.api.compute.servers.test_servers.ServerShowV247Test.test_update_rebuild_list_server", rebuilds},
	{"tempest.api.compute.servers.test_servers_microversions.ServerShowV254Test.test_rebuild", rebuilds},
	{"tempest.api.compute.servers.test_servers_microversions.ServerShowV257Test.test_rebuild", rebuilds},
	{"tempest.api.compute.test_tenant_networks.", "os-tenant-networks"},
	{"tempest.api.compute.volumes.test_volume_snapshots.", "os-snapshots"},
	{"tempest.api.compute.volumes.test_volumes_", "os-volumes"},
	{"tempest.api.identity.admin.v3.test_credentials.", "credentials kept for other services"},
	{"tempest.api.identity.admin.v3.test_domain_configuration.", "configuration of single domains"},
	{"tempest.api.identity.admin.v3.test_endpoint_groups.", "groups of endpoints"},
	{"tempest.api.identity.admin.v3.test_endpoints", "endpoints that are not those of the faces"},
	{"tempest.api.identity.admin.v3.test_oauth_consumers.", "OAuth"},
	{"tempest.api.identity.admin.v3.test_policies.", "policies kept for other services"},
	{"tempest.api.identity.admin.v3.test_projects.ProjectsTestJSON.test_create_is_domain_project", "projects that act as domains"},
	{"tempest.api.identity.admin.v3.test_regions.", "regions that are not those of the faces"},
	{"tempest.api.identity.admin.v3.test_services.", "services that are not those of the faces"},
	{"tempest.api.image.v2.admin.test_images_metadefs", "metadata definitions"},
	{"tempest.api.image.v2.test_images_metadefs", "metadata definitions"},
	{"tempest.api.volume.admin.test_group", "groups of volumes"},
	{"tempest.api.volume.admin.test_qos.", "quality of service of volumes"},
	{"tempest.api.volume.admin.test_snapshots_actions.SnapshotsActionsTest.test_update_snapshot_status", "the progress of a snapshot"},
	{"tempest.api.volume.admin.test_user_messages.", "messages about failed requests"},
	{"tempest.api.volume.admin.test_volume_quota_classes.VolumeQuotaClassesTest.test_update_default_quota", "default quotas that change while the cloud runs"},
	{"tempest.api.volume.admin.test_volume_quotas.VolumeQuotasAdminTestJSON.test_quota_usage_after_volume_transfer", "transfers of volumes"},
	{"tempest.api.volume.admin.test_volume_types.VolumeTypesTest.test_volume_type_encryption", "encryption of volumes"},
	{"tempest.api.volume.test_volume_transfers.", "transfers of volumes"},
}

// leaveOut tells r of the tests of what is absent.
func leaveOut(r *report) {
	for _, a := range absent {
		r.skip(a.prefix, "Nacre has no "+a.what)
	}
}

// configure writes etc/tempest.conf.
func (o options) configure(c cloud) error {
	var b strings.Builder
	if err := settings.Execute(&b, struct {
		cloud
		Dir                                               string
		PasswordHistory, LockoutAttempts, LockoutDuration int // the last in seconds
	}{c, o.dir, passwordHistory, lockoutAttempts, int(lockoutDuration.Seconds())}); err != nil {
		return err
	}
	bySection := slices.Clone(features)
	slices.SortStableFunc(bySection, func(a, b feature) int { return strings.Compare(a.section, b.section) })
	last := ""
	for _, f := range bySection {
		if f.section != last {
			fmt.Fprintf(&b, "\n[%s-feature-enabled]\n", f.section)
			if last = f.section; !o.all {
				b.WriteString(c.lists(f.section))
			}
		}
		fmt.Fprintf(&b, "%s = %t\n", f.option, f.have || o.all)
	}
	return os.WriteFile(filepath.Join(o.dir, "etc", "tempest.conf"), []byte(b.String()), 0o600)
}
