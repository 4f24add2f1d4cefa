package compute

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/volume"
)

// A diskPlan is a volume that a new server gets.
type diskPlan struct {
	BlockDevice
	Volume     volume.ID // chosen beforehand where it is new
	Attachment volume.AttachmentID
	New        bool
}

// planDisks decides what the server boots from and which volumes it gets.
func (m *Manager) planDisks(ctx context.Context, spec CreateSpec, s *Server, st *bootState) error {
	boots := spec.ImageID != ""
	for _, b := range spec.BlockDevices {
		p := diskPlan{BlockDevice: b, Volume: volume.ID(b.VolumeID), Attachment: volume.AttachmentID(db.NewID()), New: b.VolumeID == ""}
		if p.Boot && boots {
			return fault.Invalid.Errorf("a server boots from one disk, not from two")
		}
		boots = boots || p.Boot
		if err := m.planDisk(ctx, s, &p); err != nil {
			return err
		}
		st.Disks = append(st.Disks, p)
	}
	if !boots {
		return fault.Invalid.Errorf("a server needs an image, or a block device to boot from")
	}
	slices.SortStableFunc(st.Disks, func(a, b diskPlan) int { return cmp.Compare(rank(a), rank(b)) })
	if spec.ImageID == "" {
		return nil
	}
	_, err := m.bootable(ctx, spec.ImageID, s.Flavor, true)
	return err
}

// rank puts the disk that a guest boots from before the others.
func rank(p diskPlan) int {
	if p.Boot {
		return 0
	}
	return 1
}

func (m *Manager) planDisk(ctx context.Context, s *Server, p *diskPlan) error {
	if p.New {
		p.Volume = volume.ID(db.NewID())
		if p.ImageID != "" {
			if _, err := m.bootable(ctx, p.ImageID, s.Flavor, false); err != nil {
				return err
			}
		}
		if p.SizeGiB <= 0 && p.SnapshotID == "" {
			return fault.Invalid.Errorf("a new volume for the server needs a size")
		}
		return nil
	}
	v, err := m.volumes.Volume(ctx, p.Volume)
	if err != nil {
		return asReference(err)
	}
	if v.State() != string(volume.Available) {
		return fault.Invalid.Errorf("volume %s is %s: only an available volume can be given to a server", v.ID, v.State())
	}
	if p.Boot && !v.Bootable {
		return fault.Invalid.Errorf("volume %s is not bootable", v.ID)
	}
	return nil
}

// connectDisks makes new volumes, and lets the host reach all of them.
func (m *Manager) connectDisks(ctx context.Context, st *bootState) error {
	st.Sources, st.Kept = nil, nil
	var taken []string
	if !st.Disks[0].Boot {
		taken = append(taken, "/dev/vda") // the image's copy
	}
	for _, p := range st.Disks {
		if p.New {
			if err := m.makeVolume(ctx, st, p); err != nil {
				return err
			}
		}
		device, err := chooseDevice(p.Device, taken)
		if err != nil {
			return err
		}
		taken = append(taken, device)
		use := diskUse{st.Server, st.Host, p.Volume, p.Attachment, device}
		if err := m.reserve(ctx, use); err != nil {
			return err
		}
		disk, err := m.connect(ctx, use)
		if err != nil {
			return err
		}
		st.Sources = append(st.Sources, disk)
		st.Kept = append(st.Kept, ServerDisk{
			VolumeID: string(p.Volume), AttachmentID: string(p.Attachment), Device: device,
			Boot: p.Boot, DeleteOnTermination: p.DeleteOnTermination,
		})
	}
	return nil
}

// makeVolume creates a volume and says "not yet" until it is there.
func (m *Manager) makeVolume(ctx context.Context, st *bootState, p diskPlan) error {
	v, err := m.volumes.CreateVolume(ctx, volume.CreateSpec{
		ID: p.Volume, SizeGiB: p.SizeGiB, Type: p.Type, ImageID: p.ImageID, SnapshotID: volume.SnapshotID(p.SnapshotID),
	})
	switch {
	case err != nil:
		return err
	case v.Status == volume.Failed:
		return fault.Conflict.Errorf("the volume for server %s could not be made: %s", st.Server, v.Message)
	case v.Status == volume.Creating:
		return fault.Unavailable.Errorf("volume %s is being made", v.ID)
	}
	return nil
}

// A diskUse is a server's use of a volume.
type diskUse struct {
	server     ServerID
	host       string
	volume     volume.ID
	attachment volume.AttachmentID
	device     string // "/dev/vdb"
}

// reserve keeps a volume for a server.
func (m *Manager) reserve(ctx context.Context, u diskUse) error {
	_, err := m.volumes.Attach(ctx, volume.AttachSpec{ID: u.attachment, VolumeID: u.volume, ServerID: string(u.server)})
	return err
}

// connect returns the disk that the host of a reserved volume's server can open.
func (m *Manager) connect(ctx context.Context, u diskUse) (Disk, error) {
	a, err := m.volumes.Connect(asService(ctx), volume.ConnectSpec{ID: u.attachment, Host: u.host})
	if err != nil {
		return Disk{}, err
	}
	return ServerDisk{VolumeID: string(u.volume), Device: u.device}.disk(a.Connection), nil
}

// disk returns d as a driver plugs it in.
func (d ServerDisk) disk(c volume.Connection) Disk {
	return Disk{ID: d.VolumeID, Device: d.Device[len("/dev/"):], Source: Source{Kind: c.Kind, Path: c.Path, Format: c.Format}}
}

func (m *Manager) disconnectDisks(ctx context.Context, st *bootState) error {
	for _, p := range st.Disks {
		if err := m.freeVolume(ctx, p.Volume, p.Attachment, p.New); err != nil {
			return err
		}
	}
	return nil
}

// freeVolume ends an attachment and, where the volume goes with the server, the
// volume. One that cannot go, since it has a snapshot by now, stays with its owner.
func (m *Manager) freeVolume(ctx context.Context, id volume.ID, at volume.AttachmentID, remove bool) error {
	if err := m.volumes.Detach(asService(ctx), at); err != nil {
		return err
	}
	if !remove {
		return nil
	}
	err := unlessGone(m.volumes.DeleteVolume(ctx, id))
	if err == nil || errors.Is(err, fault.Unavailable) || ctx.Err() != nil {
		return err
	}
	m.log.WarnContext(ctx, "a volume outlives its server", "volume", id, "error", err)
	return nil
}

// confirmDisks tells the volumes that the guest has them.
func (m *Manager) confirmDisks(ctx context.Context, st *bootState) error {
	for _, d := range st.Kept {
		if err := m.confirmDisk(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) confirmDisk(ctx context.Context, d ServerDisk) error {
	_, err := m.volumes.Confirm(asService(ctx), volume.ConfirmSpec{ID: volume.AttachmentID(d.AttachmentID), Device: d.Device})
	return err
}

// chooseDevice returns the wanted device, or the first that is free.
func chooseDevice(want string, taken []string) (string, error) {
	used := map[string]bool{}
	for _, d := range taken {
		used[d] = true
	}
	if want != "" {
		if len(want) < 8 || want[:5] != "/dev/" || len(want) > 12 {
			return "", fault.Invalid.Errorf("device %q: use a name such as /dev/vdb", want)
		}
		want = "/dev/vd" + want[7:] // every disk is a virtio disk, whatever letter was hoped for
		if used[want] {
			return "", fault.Conflict.Errorf("device %s is in use", want)
		}
		return want, nil
	}
	for c := 'a'; c <= 'z'; c++ {
		if d := fmt.Sprintf("/dev/vd%c", c); !used[d] {
			return d, nil
		}
	}
	return "", fault.Exhausted.Errorf("a server has at most 26 disks")
}
