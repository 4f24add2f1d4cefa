package libvirt

import (
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"libvirt.org/go/libvirtxml"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// spareSlots is how many devices can be plugged into a running guest: a q35 machine
// has only the slots that it started with.
const spareSlots = 12

const domainPrefix = "nacre-"

// domain describes a guest to libvirt. The root disk, config drive and log are the files of dir.
func domain(g compute.Guest, dir string, a Accelerator) (*libvirtxml.Domain, error) {
	d := machine(g, a)
	d.Devices = &libvirtxml.DomainDeviceList{
		Serials: []libvirtxml.DomainSerial{{
			Source: &libvirtxml.DomainChardevSource{Pty: &libvirtxml.DomainChardevSourcePty{}},
			Log:    &libvirtxml.DomainChardevLog{File: filepath.Join(dir, consoleFile), Append: "on"},
		}},
		// libvirt puts the socket where only QEMU and root can reach it.
		Graphics: []libvirtxml.DomainGraphic{{VNC: &libvirtxml.DomainGraphicVNC{
			Listeners: []libvirtxml.DomainGraphicListener{{Socket: &libvirtxml.DomainGraphicListenerSocket{}}},
		}}},
		Videos: []libvirtxml.DomainVideo{{Model: libvirtxml.DomainVideoModel{Type: "vga", VRam: 16 << 10}}},
		RNGs: []libvirtxml.DomainRNG{{
			Model:   "virtio",
			Backend: &libvirtxml.DomainRNGBackend{Random: &libvirtxml.DomainRNGBackendRandom{Device: "/dev/urandom"}},
		}},
		MemBalloon: &libvirtxml.DomainMemBalloon{
			Model: "virtio", AutoDeflate: "on", FreePageReporting: "on",
			Stats: &libvirtxml.DomainMemBalloonStats{Period: 10},
		},
		Controllers: []libvirtxml.DomainController{{Type: "usb", Model: "none"}},
	}
	if g.Image != "" {
		root := compute.Source{Kind: compute.SourceFile, Path: filepath.Join(dir, rootFile), Format: "qcow2"}
		d.Devices.Disks = append(d.Devices.Disks, fileDisk("vda", root))
	}
	for _, disk := range g.Disks {
		x, err := diskXML(disk)
		if err != nil {
			return nil, err
		}
		d.Devices.Disks = append(d.Devices.Disks, x)
	}
	d.Devices.Disks[0].Boot = &libvirtxml.DomainDeviceBoot{Order: 1}
	for _, nic := range g.NICs {
		d.Devices.Interfaces = append(d.Devices.Interfaces, nicXML(nic))
	}
	if g.ConfigDrive != nil {
		addConfigDrive(d.Devices, filepath.Join(dir, configFile))
	}
	own := len(d.Devices.Disks) + len(d.Devices.Interfaces) + len(d.Devices.RNGs) + 1 // the balloon
	for i := range uint(own + spareSlots) {
		index := i + 1
		d.Devices.Controllers = append(d.Devices.Controllers,
			libvirtxml.DomainController{Type: "pci", Index: &index, Model: "pcie-root-port"})
	}
	return d, nil
}

// machine is a guest without devices.
func machine(g compute.Guest, a Accelerator) *libvirtxml.Domain {
	d := &libvirtxml.Domain{
		Type:   a.domainType(),
		Name:   domainPrefix + string(g.ID),
		UUID:   string(g.ID),
		Title:  title(g.Name),
		Memory: &libvirtxml.DomainMemory{Value: uint(g.MemoryMiB), Unit: "MiB"},
		VCPU:   &libvirtxml.DomainVCPU{Value: uint(g.VCPUs)},
		OS: &libvirtxml.DomainOS{
			Type:   &libvirtxml.DomainOSType{Arch: "x86_64", Machine: "q35", Type: "hvm"},
			SMBios: &libvirtxml.DomainSMBios{Mode: "sysinfo"},
		},
		// cloud-init looks for this product before it asks for metadata.
		SysInfo: []libvirtxml.DomainSysInfo{{SMBIOS: &libvirtxml.DomainSysInfoSMBIOS{
			System: &libvirtxml.DomainSysInfoSystem{Entry: []libvirtxml.DomainSysInfoEntry{
				{Name: "manufacturer", Value: "Nacre"},
				{Name: "product", Value: "OpenStack Nova"},
				{Name: "serial", Value: string(g.ID)},
				{Name: "uuid", Value: string(g.ID)},
				{Name: "family", Value: "Virtual Machine"},
			}},
		}}},
		Features:   &libvirtxml.DomainFeatureList{ACPI: &libvirtxml.DomainFeature{}, APIC: &libvirtxml.DomainFeatureAPIC{}},
		CPU:        &libvirtxml.DomainCPU{Mode: "host-passthrough", Migratable: "on"},
		Clock:      &libvirtxml.DomainClock{Offset: "utc"},
		OnPoweroff: "destroy", OnReboot: "restart", OnCrash: "destroy",
	}
	if a == TCG {
		// By default the cache of translated code may take an eighth of the host's memory, per guest.
		d.Features.TCG = &libvirtxml.DomainFeatureTCG{TBCache: &libvirtxml.DomainFeatureTCGTBCache{Unit: "MiB", Size: 64}}
		// The oldest model that has what today's distributions are compiled for, x86-64-v2.
		d.CPU = &libvirtxml.DomainCPU{
			Mode: "custom", Match: "exact", Check: "none",
			Model: &libvirtxml.DomainCPUModel{Fallback: "forbid", Value: "Nehalem"},
		}
	}
	return d
}

// diskAlias is the name by which libvirt finds a volume's disk in a domain.
func diskAlias(volume string) string { return "ua-volume-" + volume }

// reachVolumes is fault.Unavailable where the file of a volume is not there: the
// storage that it lies on may start long after its host.
func reachVolumes(d *libvirtxml.Domain) error {
	for _, disk := range d.Devices.Disks {
		if disk.Alias == nil || disk.Source == nil || disk.Source.File == nil {
			continue
		}
		volume, ours := strings.CutPrefix(disk.Alias.Name, diskAlias(""))
		if !ours {
			continue
		}
		if _, err := os.Stat(disk.Source.File.File); err != nil {
			return fault.Unavailable.Errorf("volume %s cannot be reached, is its storage mounted? %w", volume, err)
		}
	}
	return nil
}

// nicAlias is the name by which libvirt finds a port's interface in a domain.
func nicAlias(port string) string { return "ua-port-" + port }

func diskXML(disk compute.Disk) (libvirtxml.DomainDisk, error) {
	if disk.Source.Kind != compute.SourceFile {
		return libvirtxml.DomainDisk{}, fault.Unsupported.Errorf("volume %s is a %q; this host attaches %q",
			disk.ID, disk.Source.Kind, compute.SourceFile)
	}
	x := fileDisk(disk.Device, disk.Source)
	x.Serial = disk.ID[:min(len(disk.ID), 20)]
	x.Alias = &libvirtxml.DomainAlias{Name: diskAlias(disk.ID)}
	return x, nil
}

func fileDisk(device string, s compute.Source) libvirtxml.DomainDisk {
	return libvirtxml.DomainDisk{
		Device: "disk",
		Driver: &libvirtxml.DomainDiskDriver{Name: "qemu", Type: s.Format, Discard: "unmap"},
		Source: &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: s.Path}},
		Target: &libvirtxml.DomainDiskTarget{Dev: device, Bus: "virtio"},
	}
}

// addConfigDrive uses a SCSI CD-ROM: kernels made for clouds have no SATA, and a
// virtio disk would take a letter from the volumes.
func addConfigDrive(devices *libvirtxml.DomainDeviceList, path string) {
	devices.Controllers = append(devices.Controllers, libvirtxml.DomainController{Type: "scsi", Model: "virtio-scsi"})
	devices.Disks = append(devices.Disks, libvirtxml.DomainDisk{
		Device:   "cdrom",
		Driver:   &libvirtxml.DomainDiskDriver{Name: "qemu", Type: "raw"},
		Source:   &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: path}},
		Target:   &libvirtxml.DomainDiskTarget{Dev: "sda", Bus: "scsi"},
		ReadOnly: &libvirtxml.DomainDiskReadOnly{},
	})
}

func nicXML(nic compute.NIC) libvirtxml.DomainInterface {
	x := libvirtxml.DomainInterface{
		MAC:   &libvirtxml.DomainInterfaceMAC{Address: nic.MAC},
		Model: &libvirtxml.DomainInterfaceModel{Type: "virtio"},
		Alias: &libvirtxml.DomainAlias{Name: nicAlias(nic.Port)},
		ROM:   &libvirtxml.DomainROM{Enabled: "no"}, // guests do not boot from the network
	}
	if nic.Tap != "" {
		x.Source = &libvirtxml.DomainInterfaceSource{Ethernet: &libvirtxml.DomainInterfaceSourceEthernet{}}
		x.Target = &libvirtxml.DomainInterfaceTarget{Dev: nic.Tap, Managed: "no"}
	} else {
		x.Source = &libvirtxml.DomainInterfaceSource{Bridge: &libvirtxml.DomainInterfaceSourceBridge{Bridge: nic.Bridge}}
	}
	if nic.MTU > 0 {
		x.MTU = &libvirtxml.DomainInterfaceMTU{Size: uint(nic.MTU)}
	}
	return x
}

// title is a name as libvirt accepts it: on one line.
func title(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, name)
}
