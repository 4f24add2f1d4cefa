package computeapi

import (
	"cmp"
	"encoding/json"
	"net/netip"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// networksWanted is what a new server shall be plugged into: "auto", "none", or
// a list.
type networksWanted struct {
	given bool
	word  string
	list  []networkWanted
}

type networkWanted struct {
	Network *string `json:"uuid"`
	Port    *string `json:"port"`
	FixedIP *string `json:"fixed_ip"`
	Tag     *string `json:"tag"`
}

// UnmarshalJSON reads the word or the list.
func (n *networksWanted) UnmarshalJSON(raw []byte) error {
	n.given = true
	if json.Unmarshal(raw, &n.word) == nil && (n.word == "auto" || n.word == "none") {
		return nil
	}
	n.word = ""
	return microversion.Decode(raw, &n.list, microversion.Options{Strict: true})
}

func (n networksWanted) into(spec *compute.CreateSpec) error {
	spec.NoNetwork = n.word == "none"
	for _, want := range n.list {
		net := compute.NetworkSpec{NetworkID: deref(want.Network), PortID: deref(want.Port), FixedIP: deref(want.FixedIP)}
		var err error
		switch {
		case net.PortID != "":
			net.PortID, err = rest.ParseUUID("server.networks.port", net.PortID)
			net.NetworkID = ""
		case net.NetworkID != "":
			net.NetworkID, err = rest.ParseUUID("server.networks.uuid", net.NetworkID)
		default:
			err = fault.Invalid.Errorf("server.networks: each entry needs uuid or port")
		}
		if err == nil && net.FixedIP != "" {
			_, err = netip.ParseAddr(net.FixedIP)
		}
		if err != nil {
			return fault.Invalid.Wrap(err, "server.networks")
		}
		spec.Networks = append(spec.Networks, net)
	}
	return nil
}

// A blockDevice is an entry of block_device_mapping_v2.
type blockDevice struct {
	Source              string  `json:"source_type" enum:"volume,image,snapshot,blank"`
	Destination         string  `json:"destination_type" enum:"local,volume"`
	ID                  *string `json:"uuid"`
	BootIndex           *int    `json:"boot_index" loose:"true"`
	SizeGiB             *int    `json:"volume_size" min:"0" loose:"true"`
	Device              *string `json:"device_name" max:"255"`
	DeleteOnTermination *bool   `json:"delete_on_termination" loose:"true"`
	NoDevice            *bool   `json:"no_device" loose:"true"`
	DeviceType          *string `json:"device_type" max:"255"`
	DiskBus             *string `json:"disk_bus" max:"255"`
	GuestFormat         *string `json:"guest_format" max:"255"`
	Tag                 *string `json:"tag" since:"2.32" until:"2.32"`
	TagAgain            *string `as:"tag" since:"2.42"`
	VolumeType          *string `json:"volume_type" since:"2.67"`
}

// disks turns the block devices into the image and the disks of a server.
func disks(list []blockDevice, spec *compute.CreateSpec) error {
	boots := false
	for i, b := range list {
		boot := b.BootIndex != nil && *b.BootIndex == 0
		if boot && boots {
			return fault.Invalid.Errorf("block_device_mapping_v2[%d]: two devices have boot_index 0", i)
		}
		boots = boots || boot
		if err := b.into(spec, boot); err != nil {
			return fault.Invalid.Wrap(err, "block_device_mapping_v2[%d]", i)
		}
	}
	return nil
}

func (b blockDevice) into(spec *compute.CreateSpec, boot bool) error {
	id := deref(b.ID)
	if deref(b.NoDevice) {
		return nil
	}
	if id == "" && b.Source != "blank" {
		return fault.Invalid.Errorf("a %s needs its uuid", cmp.Or(b.Source, "device"))
	}
	if b.Source == "image" && b.Destination != "volume" {
		if !boot || spec.ImageID != "" && spec.ImageID != id {
			return fault.Invalid.Errorf("an image is a local disk only where the server boots from it")
		}
		spec.ImageID = id
		return nil
	}
	if boot && spec.ImageID != "" {
		return fault.Invalid.Errorf("boot sequence for the instance and image/block device mapping combination is not valid")
	}
	d := compute.BlockDevice{
		Boot: boot, SizeGiB: deref(b.SizeGiB), Device: deref(b.Device), Type: deref(b.VolumeType),
		DeleteOnTermination: deref(b.DeleteOnTermination),
	}
	switch {
	case b.Destination == "local":
		return fault.Invalid.Errorf("local disks of type %s are not offered: use a volume", b.Source)
	case b.Source == "volume":
		d.VolumeID = id
	case b.Source == "snapshot":
		d.SnapshotID = id
	case b.Source == "image":
		d.ImageID = id
	case b.Source == "blank":
	default:
		return fault.Invalid.Errorf("source_type is needed: volume, image, snapshot or blank")
	}
	if d.VolumeID == "" && d.SnapshotID == "" && d.SizeGiB == 0 {
		return fault.Invalid.Errorf("a new volume needs volume_size")
	}
	spec.BlockDevices = append(spec.BlockDevices, d)
	return nil
}
