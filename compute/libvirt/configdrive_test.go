package libvirt

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"

	"github.com/nacre-cloud/nacre/kit/fault"
)

func TestConfigDriveReadsBack(t *testing.T) {
	name := filepath.Join(t.TempDir(), "config.iso")
	want := map[string]string{
		"openstack/latest/meta_data.json": `{"hostname": "web"}`,
		"openstack/latest/user_data":      "#!/bin/sh\n",
		"openstack/content/0000":          "",
	}
	content := map[string][]byte{}
	for path, data := range want {
		content[path] = []byte(data)
	}
	if err := writeConfigDrive(name, content); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
	if info.Size()%isoBlock != 0 {
		t.Errorf("the last block is cut: %d bytes", info.Size())
	}
	iso, err := iso9660.Read(file.New(f, true), 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if label := strings.TrimRight(iso.Label(), "\x00 "); label != "config-2" {
		t.Errorf("label %q", label)
	}
	for path, data := range want {
		if got, err := iso.ReadFile(path); err != nil || string(got) != data {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(name)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestConfigDriveRefusesToClimb(t *testing.T) {
	err := writeConfigDrive(filepath.Join(t.TempDir(), "x"), map[string][]byte{"../x": nil})
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("fails with %v", err)
	}
}
