package object

// Stored says that an object has new bytes.
type Stored struct {
	ProjectID string
	Container Name
	Object    Name
	Bytes     int64 // of the object
	Replaced  int64 // of the object that it replaced, if there was one
	New       bool  // there was none
}

// Name returns the event's topic.
func (Stored) Name() string { return "object.stored.v1" }

// Deleted says that an object is gone.
type Deleted struct {
	ProjectID string
	Container Name
	Object    Name
	Bytes     int64
}

// Name returns the event's topic.
func (Deleted) Name() string { return "object.deleted.v1" }
