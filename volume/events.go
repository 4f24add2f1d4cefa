package volume

// Created says that a volume became available.
type Created struct {
	ID        ID
	ProjectID string
	SizeGiB   int
	Type      TypeID
}

// Name returns the event's topic.
func (Created) Name() string { return "volume.created.v1" }

// Extended says that a volume became larger.
type Extended struct {
	ID        ID
	ProjectID string
	SizeGiB   int
}

// Name returns the event's topic.
func (Extended) Name() string { return "volume.extended.v1" }

// Deleted says that a volume is gone.
type Deleted struct {
	ID        ID
	ProjectID string
	SizeGiB   int
}

// Name returns the event's topic.
func (Deleted) Name() string { return "volume.deleted.v1" }

// SnapshotCreated says that a snapshot became available.
type SnapshotCreated struct {
	ID        SnapshotID
	VolumeID  ID
	ProjectID string
}

// Name returns the event's topic.
func (SnapshotCreated) Name() string { return "volume.snapshot.created.v1" }

// SnapshotDeleted says that a snapshot is gone.
type SnapshotDeleted struct {
	ID        SnapshotID
	VolumeID  ID
	ProjectID string
}

// Name returns the event's topic.
func (SnapshotDeleted) Name() string { return "volume.snapshot.deleted.v1" }
