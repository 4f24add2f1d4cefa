package computeapi

import (
	"github.com/nacre-cloud/nacre/compute"
)

// A look is how a server's status shows when nothing is under way.
type look struct {
	status  string
	vmState string
	power   int
}

// Power states as the API numbers them.
const (
	powerUnknown   = 0
	powerRunning   = 1
	powerPaused    = 3
	powerOff       = 4
	powerSuspended = 7
)

var looks = map[compute.Status]look{
	compute.Building: {"BUILD", "building", powerUnknown},
	compute.Active:   {"ACTIVE", "active", powerRunning},
	compute.ShutOff:  {"SHUTOFF", "stopped", powerOff},
	compute.OnHold:   {"PAUSED", "paused", powerPaused},
	compute.Asleep:   {"SUSPENDED", "suspended", powerSuspended},
	compute.Failed:   {"ERROR", "error", powerUnknown},
}

// tasks are the task states of flows by step; the empty step stands for all
// others. What is not here leaves a server's task state null, as plugging in a
// device does.
var tasks = map[string]map[string]*string{
	"server.boot": {
		"": task("scheduling"), "network": task("networking"), "volumes": task("block_device_mapping"),
		"spawn": task("spawning"), "confirm": task("spawning"), "finish": task("spawning"),
	},
	"server.delete":      {"": task("deleting")},
	"server.start":       {"": task("powering-on")},
	"server.revive":      {"": task("powering-on")},
	"server.stop":        {"": task("powering-off")},
	"server.reboot":      {"": task("rebooting"), string(compute.Running): task("reboot_started"), "finish": task("reboot_started")},
	"server.hard-reboot": {"": task("rebooting_hard"), string(compute.Running): task("reboot_started_hard"), "finish": task("reboot_started_hard")},
	"server.pause":       {"": task("pausing")},
	"server.unpause":     {"": task("unpausing")},
	"server.suspend":     {"": task("suspending")},
	"server.resume":      {"": task("resuming")},
}

func task(s string) *string { return &s }

// taskOf returns the task state of what is under way, or nil.
func taskOf(d compute.Doing) *string {
	steps := tasks[d.Flow]
	if t, ok := steps[d.Step]; ok {
		return t
	}
	return steps[""]
}

// busyStatus are the statuses that show instead of ACTIVE while a flow is open.
var busyStatus = map[string]string{"server.reboot": "REBOOT", "server.hard-reboot": "HARD_REBOOT"}

// lookOf returns how s shows now.
func lookOf(s *compute.Server) look {
	l := looks[s.Status]
	if busy, ok := busyStatus[s.Doing.Flow]; ok && (s.Status == compute.Active || s.Doing.Flow == "server.hard-reboot") {
		l.status = busy
	}
	return l
}

// progressing are the statuses that come with a progress.
var progressing = map[string]bool{"ACTIVE": true, "BUILD": true}

// knownStatuses are all that clients may filter by, also those that no server
// here ever has.
var knownStatuses = map[string][]compute.Status{
	"ACTIVE": {compute.Active}, "BUILD": {compute.Building}, "SHUTOFF": {compute.ShutOff}, "PAUSED": {compute.OnHold},
	"SUSPENDED": {compute.Asleep}, "ERROR": {compute.Failed}, "REBOOT": {compute.Active},
	"HARD_REBOOT": {compute.Active, compute.ShutOff, compute.OnHold, compute.Asleep, compute.Failed},
	"DELETED":     nil, "MIGRATING": nil, "PASSWORD": nil, "REBUILD": nil, "RESCUE": nil, "RESIZE": nil, "REVERT_RESIZE": nil,
	"SHELVED": nil, "SHELVED_OFFLOADED": nil, "SOFT_DELETED": nil, "UNKNOWN": nil, "VERIFY_RESIZE": nil,
}
