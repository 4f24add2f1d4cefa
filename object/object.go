// Package object keeps objects: named bytes with metadata, in the containers of
// a project's account.
//
// Whoever has a token reaches it through objectapi (the Swift v1 protocol);
// other domains call Service for what is about names and metadata, and Content
// for bytes, which never cross the bus. Backends implement Driver, a store of
// immutable blobs that knows no names.
//
// Names and metadata are rows, bytes are blobs, and a row is written only when
// its blob is whole and durable. So an object that was acknowledged is whole
// after any crash; overwriting is atomic; a reader sees the old bytes or the new
// ones; and a listing never lies. A blob that no row names, such as one whose
// upload died between the two, is removed by a reconciler an hour later. Copying
// an object copies its row: the blob is shared, and removed with its last row.
package object

import (
	"database/sql/driver"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/fault"
)

var (
	// ErrChecksum: the bytes are not those the caller announced.
	ErrChecksum = fault.Invalid.Reason("object.checksum")
	// ErrTooLarge: the object is larger than an object may be.
	ErrTooLarge = fault.Invalid.Reason("object.too-large")
	// ErrPrecondition: a condition the caller set does not hold.
	ErrPrecondition = fault.Conflict.Reason("object.precondition")
	// ErrReplaced: the object was replaced between looking at it and reading it.
	ErrReplaced = fault.Unavailable.Reason("object.replaced")
)

// A Name is what a container or an object is called: UTF-8, without NUL. Names
// are ordered by their bytes, in every database.
type Name string

// Value stores a name as bytes, whose order no locale changes.
func (n Name) Value() (driver.Value, error) { return []byte(n), nil }

// Scan reads what Value stored.
func (n *Name) Scan(src any) error {
	switch v := src.(type) {
	case []byte:
		*n = Name(v)
	case string:
		*n = Name(v)
	default:
		return fmt.Errorf("object name from %T", src)
	}
	return nil
}

// MarshalText refuses what is not text, which JSON would silently change.
func (n Name) MarshalText() ([]byte, error) {
	if !utf8.ValidString(string(n)) {
		return nil, fault.Invalid.Errorf("name %q is not UTF-8 text", string(n))
	}
	return []byte(n), nil
}

// Metadata is what a caller wrote on a thing, by canonical header suffix: "Color".
type Metadata map[string]string

// An Account holds the containers of one project. Every project has one.
type Account struct {
	bun.BaseModel `bun:"table:object_accounts"`

	ProjectID string    `bun:"project_id,pk"`
	Metadata  Metadata  `bun:"metadata,type:text"`
	CreatedAt time.Time `bun:"created_at"`

	Containers int64 `bun:"-"`
	Objects    int64 `bun:"-"`
	Bytes      int64 `bun:"-"`
}

// Owner returns the project, for policy.
func (a Account) Owner() string { return a.ProjectID }

// A ContainerID names a container.
type ContainerID struct {
	ProjectID string
	Container Name
}

// A Container holds objects, and says who besides its project may use them.
type Container struct {
	bun.BaseModel `bun:"table:object_containers"`

	ProjectID string   `bun:"project_id,pk"`
	Name      Name     `bun:"name,pk"`
	Metadata  Metadata `bun:"metadata,type:text"`
	ReadACL   string   `bun:"read_acl"`
	WriteACL  string   `bun:"write_acl"`
	Versions
	CreatedAt time.Time `bun:"created_at"`
	UpdatedAt time.Time `bun:"updated_at"`

	Objects int64 `bun:"-"`
	Bytes   int64 `bun:"-"`
}

// Versions says what becomes of the objects of a container that are replaced.
type Versions struct {
	VersionsIn  Name `bun:"versions_in"`  // container of the account that keeps them; empty: they are gone
	KeepDeleted bool `bun:"keep_deleted"` // and those that are deleted; else deleting one brings back the one before
}

// ID returns what names the container.
func (c Container) ID() ContainerID { return ContainerID{c.ProjectID, c.Name} }

// An ObjectID names an object.
type ObjectID struct {
	ProjectID string
	Container Name
	Object    Name
}

// Parent returns the container the object is in.
func (id ObjectID) Parent() ContainerID { return ContainerID{id.ProjectID, id.Container} }

// String returns the path of the object within its account.
func (id ObjectID) String() string { return string(id.Container + "/" + id.Object) }

// An Object is named bytes. Of a large object Size and ETag are those of its
// segments together.
type Object struct {
	bun.BaseModel `bun:"table:objects"`

	ProjectID string `bun:"project_id,pk"`
	Container Name   `bun:"container,pk"`
	Name      Name   `bun:"name,pk"`
	Blob      Key    `bun:"blob"`   // where the driver has the bytes
	Size      int64  `bun:"size"`   // bytes that are read
	Stored    int64  `bun:"stored"` // bytes that are kept and count: of Blob, or of Segments as JSON
	ETag      string `bun:"etag"`   // MD5 in lower-case hexadecimal
	Properties
	Segments  []Segment `bun:"segments,type:text"` // of a static large object
	CreatedAt time.Time `bun:"created_at"`         // when the bytes were stored
	UpdatedAt time.Time `bun:"updated_at"`         // when the bytes or properties were
}

// ID returns what names the object.
func (o Object) ID() ObjectID { return ObjectID{o.ProjectID, o.Container, o.Name} }

// Large reports whether the bytes are those of other objects.
func (o Object) Large() bool { return o.Manifest != "" || o.Blob == "" && o.Size > 0 }

// Expired reports whether the object's time is over: it is as good as deleted.
func (o Object) Expired(now time.Time) bool { return o.DeleteAt != 0 && o.DeleteAt <= now.Unix() }

// Properties are what a caller says about an object beside its bytes.
type Properties struct {
	ContentType string   `bun:"content_type"`
	Encoding    string   `bun:"encoding"`
	Disposition string   `bun:"disposition"`
	Manifest    string   `bun:"manifest"` // container/prefix of the segments of a dynamic large object
	Metadata    Metadata `bun:"metadata,type:text"`
	DeleteAt    int64    `bun:"delete_at"` // seconds since 1970; 0 means never
}

// A Segment is a part of a static large object.
type Segment struct {
	Container Name   `json:"container"`
	Object    Name   `json:"object"`
	ETag      string `json:"etag,omitempty"`
	Size      int64  `json:"size"` // bytes; negative in a request means whatever it has
}
