package scheduler

// HostChanged says that a host is new, or that what it offers has changed. A
// report that repeats the last one is no change.
type HostChanged struct {
	ID               HostID
	HostName         string
	AvailabilityZone string
	Enabled          bool
}

// Name returns the event's topic.
func (HostChanged) Name() string { return "scheduler.host.changed.v1" }

// HostDeleted says that a host is gone.
type HostDeleted struct{ ID HostID }

// Name returns the event's topic.
func (HostDeleted) Name() string { return "scheduler.host.deleted.v1" }
