package image

// Uploaded says that an image has got its bytes and became active.
type Uploaded struct {
	ID        ID
	ProjectID string
	SizeBytes int64
}

// Name returns the event's topic.
func (Uploaded) Name() string { return "image.uploaded.v1" }

// Updated says that the description of an image changed.
type Updated struct {
	ID        ID
	ProjectID string
}

// Name returns the event's topic.
func (Updated) Name() string { return "image.updated.v1" }

// Deleted says that an image is gone. SizeBytes is zero when it never had bytes.
type Deleted struct {
	ID        ID
	ProjectID string
	SizeBytes int64
}

// Name returns the event's topic.
func (Deleted) Name() string { return "image.deleted.v1" }
