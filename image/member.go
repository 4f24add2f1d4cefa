package image

import (
	"time"

	"github.com/uptrace/bun"
)

// A Member is a project that a shared image is offered to.
type Member struct {
	bun.BaseModel `bun:"table:image_members"`

	ImageID   ID     `bun:",pk"`
	ProjectID string `bun:",pk"`
	Status    MemberStatus
	CreatedAt time.Time
	UpdatedAt time.Time
}

// A MemberID names a member.
type MemberID struct {
	ImageID   ID
	ProjectID string
}

// MemberStatus is what the other project says to the offer.
type MemberStatus string

// Answers to an offer.
const (
	Pending  MemberStatus = "pending"
	Accepted MemberStatus = "accepted" // listed among the project's images
	Rejected MemberStatus = "rejected"
)
