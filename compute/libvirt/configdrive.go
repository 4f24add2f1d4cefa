package libvirt

import (
	"os"
	"path/filepath"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// configLabel is how guests find their config drive.
const configLabel = "config-2"

const (
	isoBlock   = 2048
	isoPadding = 150 // blocks
)

// writeConfigDrive writes an ISO 9660 file system with the given files. It holds
// secrets: only root, and QEMU through libvirt, may read it.
func writeConfigDrive(name string, content map[string][]byte) error {
	work, err := os.MkdirTemp(filepath.Dir(name), "config-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	for inside, data := range content {
		if !filepath.IsLocal(inside) {
			return fault.Invalid.Errorf("a config drive cannot hold %q", inside)
		}
		outside := filepath.Join(work, inside)
		if err := os.MkdirAll(filepath.Dir(outside), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(outside, data, 0o600); err != nil {
			return err
		}
	}
	return makeISO(name, work)
}

// makeISO writes what is in dir, with long names for every kind of guest: Rock
// Ridge for Unix, Joliet for Windows.
func makeISO(name, dir string) error {
	out, err := os.OpenFile(name+unfinished, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	iso, err := iso9660.Create(file.New(out, false), 0, 0, 0, dir)
	if err != nil {
		return fault.Internal.Wrap(err, "config drive")
	}
	err = iso.Finalize(iso9660.FinalizeOptions{RockRidge: true, Joliet: true, VolumeIdentifier: configLabel})
	if err != nil {
		return fault.Internal.Wrap(err, "config drive")
	}
	// A guest reads whole blocks, and many at once when it looks for file systems:
	// like every maker of CDs, leave some empty at the end.
	info, err := out.Stat()
	if err != nil {
		return err
	}
	blocks := (info.Size()+isoBlock-1)/isoBlock + isoPadding
	if err := out.Truncate(blocks * isoBlock); err != nil {
		return err
	}
	return finish(name)
}
