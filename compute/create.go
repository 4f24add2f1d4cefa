package compute

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// CreateServer implements Service.
func (m *Manager) CreateServer(ctx context.Context, spec CreateSpec) (Server, error) {
	c, err := identity.Own(ctx, "server:create")
	if err != nil {
		return Server{}, err
	}
	if spec.ID != "" {
		if s, err := m.load(ctx, spec.ID); err == nil {
			return s, identity.Allow(ctx, "server:create", s)
		}
	}
	s, st, err := m.plan(ctx, c, spec)
	if err != nil {
		return Server{}, err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		want := quota.Amount{ResourceServers: 1, ResourceCores: int64(s.VCPUs), ResourceMemoryMiB: int64(s.MemoryMiB)}
		if err := m.quota.Reserve(ctx, tx, s.ProjectID, want, usage); err != nil {
			return err
		}
		if err := insertServer(ctx, tx, &s); err != nil {
			return err
		}
		if err := beginAction(ctx, tx, s, st.Action, "create"); err != nil {
			return err
		}
		_, err := flow.Start(ctx, tx, m.boot, subject(s.ID), st)
		return err
	})
	s.Doing = Doing{Flow: m.boot.Name(), Step: "place"}
	return s, err
}

// plan checks spec and completes it to the server and the run that makes it.
func (m *Manager) plan(ctx context.Context, c identity.Caller, spec CreateSpec) (Server, bootState, error) {
	s := Server{
		ID: spec.ID, ProjectID: c.ProjectID, UserID: c.UserID, Name: spec.Name, Description: spec.Description,
		Hostname: hostname(spec), Status: Building, ImageID: spec.ImageID, KeyName: spec.KeyName, UserData: spec.UserData,
		ConfigDrive: spec.ConfigDrive || len(spec.Files) > 0, AccessIPv4: spec.AccessIPv4, AccessIPv6: spec.AccessIPv6, Metadata: spec.Metadata, Tags: spec.Tags, SecurityGroups: spec.SecurityGroups,
		ReservationID: spec.ReservationID, LaunchIndex: spec.LaunchIndex, CreatedAt: db.Now(), UpdatedAt: db.Now(),
	}
	if s.ID == "" {
		s.ID = ServerID(db.NewID())
	}
	if s.ReservationID == "" {
		s.ReservationID = "r-" + db.NewID()[28:]
	}
	st := bootState{Server: s.ID, Project: s.ProjectID, Action: db.NewID()}
	if s.ConfigDrive {
		st.Secrets = secrets{spec.AdminPassword, spec.Files}
	}
	checks := []func() error{
		func() error { return m.checkServer(ctx, m.db.Read(), &s) },
		func() error { return checkFiles(spec.Files) },
		func() error { return m.planFlavor(ctx, &s, spec) },
		func() error { return m.planKey(ctx, c, &s) },
		func() error { return m.planZone(ctx, spec, &s, &st) },
		func() error { return m.planDisks(ctx, spec, &s, &st) },
		func() error { return m.planNICs(ctx, c, spec, &s, &st) },
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return s, st, err
		}
	}
	st.Flavor, st.Zone = s.Flavor, s.AvailabilityZone
	return s, st, nil
}

// Limits of what a user may write about a server.
const (
	maxText     = 255
	maxUserData = 65535
	maxTags     = 50

	// MaxFiles is how many files a server may be given, MaxFileBytes how large each is.
	MaxFiles     = 5
	MaxFileBytes = 10 << 10
)

func checkFiles(files []InjectedFile) error {
	if len(files) > MaxFiles {
		return fault.OverQuota.Errorf("personality file limit exceeded: a server is given at most %d files, not %d", MaxFiles, len(files))
	}
	for _, f := range files {
		if len(f.Content) > MaxFileBytes || len(f.Path) > maxText {
			return fault.OverQuota.Errorf("personality file content or path too long: %.40q has %d bytes, at most %d are allowed and %d in the path",
				f.Path, len(f.Content), MaxFileBytes, maxText)
		}
	}
	return nil
}

func (m *Manager) checkServer(ctx context.Context, idb bun.IDB, s *Server) error {
	if s.Name == "" || len(s.Name) > maxText || len(s.Description) > maxText {
		return fault.Invalid.Errorf("a server's name has from 1 to %d characters, its description at most as many", maxText)
	}
	if len(s.UserData) > maxUserData {
		return fault.Invalid.Errorf("user data has at most %d bytes, not %d", maxUserData, len(s.UserData))
	}
	if _, err := base64.StdEncoding.DecodeString(s.UserData); err != nil {
		return fault.Invalid.Errorf("user data must be encoded as base64")
	}
	for k, v := range s.Metadata {
		if k == "" || len(k) > maxText || len(v) > maxText {
			return fault.Invalid.Errorf("metadata %.40q: key and value have at most %d characters and the key at least one", k, maxText)
		}
	}
	if len(s.Tags) > maxTags {
		return fault.Invalid.Errorf("a server has at most %d tags, not %d", maxTags, len(s.Tags))
	}
	return m.countMetadata(ctx, idb, s)
}

// countMetadata reports whether a server has no more items than its project allows.
func (m *Manager) countMetadata(ctx context.Context, idb bun.IDB, s *Server) error {
	if len(s.Metadata) == 0 {
		return nil
	}
	limits, err := m.quota.Limits(ctx, idb, s.ProjectID)
	if most := limits[ResourceMetadata]; err == nil && most != quota.Unlimited && int64(len(s.Metadata)) > most {
		err = fault.OverQuota.Errorf("a server has at most %d metadata items, not %d", most, len(s.Metadata))
	}
	return err
}

var notInHostnames = regexp.MustCompile(`[^a-z0-9.-]+`)

// hostname makes a name that RFC 1123 allows.
func hostname(s CreateSpec) string {
	if s.Hostname != "" {
		return s.Hostname
	}
	h := notInHostnames.ReplaceAllString(strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(s.Name, " ", "-"), "_", "-")), "")
	if h = strings.Trim(h, ".-"); len(h) > 63 {
		h = strings.TrimRight(h[:63], ".-")
	}
	if h == "" {
		h = "server"
	}
	return h
}

func (m *Manager) planFlavor(ctx context.Context, s *Server, spec CreateSpec) error {
	f, err := m.Flavor(ctx, spec.FlavorID)
	if err != nil {
		return asReference(err)
	}
	if f.EphemeralGiB > 0 || f.SwapMiB > 0 {
		return fault.Invalid.Errorf("flavor %s has an ephemeral or a swap disk, which servers of this cloud do not get: attach a volume", f.Name)
	}
	f.Projects = nil // whom it is open to is not the server's to know
	s.Flavor, s.FlavorID, s.VCPUs, s.MemoryMiB = f, f.ID, f.VCPUs, f.MemoryMiB
	return nil
}

func (m *Manager) planKey(ctx context.Context, c identity.Caller, s *Server) error {
	if s.KeyName == "" {
		return nil
	}
	k, err := loadKeypair(ctx, m.db.Read(), KeypairID{UserID: c.UserID, Name: s.KeyName})
	s.PublicKey = k.PublicKey
	return asReference(err)
}

// planZone reads "zone", "zone:host" and "zone:host:node".
func (m *Manager) planZone(ctx context.Context, spec CreateSpec, s *Server, st *bootState) error {
	zone, host, pinned := strings.Cut(spec.AvailabilityZone, ":")
	if zone == "" {
		zone = m.config.AvailabilityZone
	}
	s.AvailabilityZone = zone
	if pinned {
		if err := identity.Allow(ctx, "server:create-on", nil); err != nil {
			return err
		}
		st.Pinned, _, _ = strings.Cut(host, ":")
	}
	if zone == "" {
		return nil
	}
	zones, err := m.zones(ctx)
	if err != nil || slices.Contains(slices.Collect(maps.Values(zones)), zone) {
		return err
	}
	return fault.Invalid.Errorf("the requested availability zone %q is not available", zone)
}

// bootable checks that an image may be booted with a flavor.
func (m *Manager) bootable(ctx context.Context, id string, f Flavor, local bool) (image.Image, error) {
	i, err := m.images.Image(ctx, image.ID(id))
	if err != nil {
		return i, asReference(err)
	}
	switch {
	case i.Status != image.Active:
		return i, fault.Invalid.Errorf("image %s is %s and not active", id, i.Status)
	case i.MinMemoryMiB > f.MemoryMiB:
		return i, fault.Invalid.Errorf("flavor %s has too little memory for image %s: %d MiB, not %d", f.Name, id, i.MinMemoryMiB, f.MemoryMiB)
	case local && f.RootGiB > 0 && (i.MinDiskGiB > f.RootGiB || i.VirtualBytes > int64(f.RootGiB)<<30):
		return i, fault.Invalid.Errorf("flavor %s has too small a disk for image %s: it needs %d GiB", f.Name, id, max(i.MinDiskGiB, int((i.VirtualBytes+1<<30-1)>>30)))
	}
	return i, nil
}

// ErrReference is a request that mentions a thing that does not exist.
var ErrReference = fault.Invalid.Reason("compute.reference")

// asReference makes "not found" what it is to a request that only mentions the thing.
func asReference(err error) error {
	if errors.Is(err, fault.NotFound) {
		return ErrReference.Errorf("%w", err)
	}
	return err
}
