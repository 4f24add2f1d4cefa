package volumeapi

import (
	"github.com/nacre-cloud/nacre/kit/rest"
)

func (a *api) otherRoutes() []rest.Route {
	return []rest.Route{
		rest.GET(root+"/os-availability-zone", a.zones),
		rest.GET(root+"/extensions", extensions),
		rest.GET(root+"/backups", none("backups")),
		rest.GET(root+"/backups/detail", none("backups")),
		rest.GET(root+"/os-volume-transfer/detail", none("transfers")),
		rest.GET(root+"/messages", none("messages")).Since("3.3"),
	}
}

// none is a list of what this cloud has none of.
func none(key string) rest.Handler {
	return func(*rest.Request) (rest.Response, error) { return rest.ReplyUnder(key, []string{}), nil }
}

type extension struct {
	Name        string      `json:"name"`
	Alias       string      `json:"alias"`
	Description string      `json:"description"`
	Updated     string      `json:"updated"`
	Links       []rest.Link `json:"links"`
}

// What this face has of what was optional once.
var offered = []extension{
	{"AdminActions", "os-admin-actions", "Repairs by administrators.", "2012-08-25T00:00:00+00:00", nil},
	{"AvailabilityZones", "os-availability-zone", "Availability zones.", "2013-06-27T00:00:00+00:00", nil},
	{"ExtendedSnapshotAttributes", "os-extended-snapshot-attributes", "Progress and project of snapshots.", "2012-06-19T00:00:00+00:00", nil},
	{"Hosts", "os-hosts", "Where volumes are kept.", "2011-06-29T00:00:00+00:00", nil},
	{"QuotaClasses", "os-quota-class-sets", "What a project may use by default.", "2012-03-12T00:00:00+00:00", nil},
	{"Quotas", "os-quota-sets", "What a project may use.", "2011-08-08T00:00:00+00:00", nil},
	{"SchedulerStats", "scheduler-stats", "Pools of storage.", "2014-09-07T00:00:00+00:00", nil},
	{"Services", "os-services", "What keeps volumes.", "2012-10-28T00:00:00+00:00", nil},
	{"TypesExtraSpecs", "os-types-extra-specs", "What operators say about volume types.", "2011-08-24T00:00:00+00:00", nil},
	{"TypesManage", "os-types-manage", "Volume types.", "2011-08-24T00:00:00+00:00", nil},
	{"UsedLimits", "os-used-limits", "What of its limits a project uses.", "2013-10-03T00:00:00+00:00", nil},
	{"VolumeActions", "os-volume-actions", "Actions on volumes.", "2012-05-31T00:00:00+00:00", nil},
	{"VolumeHostAttribute", "os-vol-host-attr", "Where a volume is kept.", "2011-11-03T00:00:00+00:00", nil},
	{"VolumeImageMetadata", "os-vol-image-meta", "Of the image that a volume was made from.", "2012-12-07T00:00:00+00:00", nil},
	{"VolumeTenantAttribute", "os-vol-tenant-attr", "The project of a volume.", "2011-11-03T00:00:00+00:00", nil},
	{"VolumeTypeAccess", "os-volume-type-access", "Types for some projects alone.", "2014-06-26T00:00:00+00:00", nil},
}

func extensions(*rest.Request) (rest.Response, error) {
	return rest.ReplyUnder("extensions", offered), nil
}

func (a *api) zones(*rest.Request) (rest.Response, error) {
	type state struct {
		Available bool `json:"available"`
	}
	type zone struct {
		Name  string `json:"zoneName"`
		State state  `json:"zoneState"`
	}
	return rest.ReplyUnder("availabilityZoneInfo", []zone{{zoneName, state{true}}}), nil
}
