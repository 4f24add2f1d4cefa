package main

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed root
var rootFiles embed.FS

// drivers are the kernel modules the guest loads; what they need comes with them.
var drivers = []string{
	"virtio_pci", "virtio_blk", "virtio_net", "virtio_scsi", "sr_mod", "isofs", "vfat",
	"nls_cp437", "nls_ascii", "button", "evdev", "virtio_balloon", "virtio_rng",
}

// writeInitrd puts the guest's whole system into the archive that the kernel unpacks.
func writeInitrd(file string, k kernel) error {
	a := newArchive()
	for _, dir := range []string{"boot", "dev", "mnt", "proc", "root", "run", "sys", "tmp", "etc/dropbear"} {
		a.dir(dir)
	}
	if err := a.addRoot(); err != nil {
		return err
	}
	if err := a.addBusybox(); err != nil {
		return err
	}
	if err := a.addSSH(); err != nil {
		return err
	}
	if err := a.addModules(k.modules); err != nil {
		return err
	}
	return os.WriteFile(file, a.bytes(), 0o600)
}

// addRoot adds the files of root/; scripts are what begins with "#!".
func (a *archive) addRoot() error {
	return fs.WalkDir(rootFiles, "root", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := rootFiles.ReadFile(name)
		if err != nil {
			return err
		}
		mode := uint32(0o644)
		if bytes.HasPrefix(content, []byte("#!")) {
			mode = 0o755
		}
		a.file(strings.TrimPrefix(name, "root/"), mode, content)
		return nil
	})
}

func (a *archive) addBusybox() error {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return fmt.Errorf("%w: install busybox-static", err)
	}
	if libraries, _ := run("", "ldd", busybox); strings.Contains(libraries, "=>") {
		return fmt.Errorf("%s needs libraries: install busybox-static", busybox)
	}
	if err := a.copy("bin/busybox", busybox); err != nil {
		return err
	}
	list, err := run("", busybox, "--list")
	if err != nil {
		return err
	}
	for applet := range strings.FieldsSeq(list) {
		if applet != "busybox" {
			a.link("bin/"+applet, "busybox")
		}
	}
	a.link("init", "bin/busybox")
	a.link("sbin", "bin")
	return nil
}

// addSSH adds dropbear and its libraries.
func (a *archive) addSSH() error {
	dropbear, err := exec.LookPath("dropbear")
	if err != nil {
		return fmt.Errorf("%w: install dropbear-bin", err)
	}
	if err := a.copy("bin/dropbear", dropbear); err != nil {
		return err
	}
	libraries, err := run("", "ldd", dropbear)
	if err != nil {
		return err
	}
	for word := range strings.FieldsSeq(libraries) {
		if strings.HasPrefix(word, "/") {
			if err := a.copy(strings.TrimPrefix(word, "/"), word); err != nil {
				return err
			}
		}
	}
	return nil
}

// addModules adds the drivers and writes the order in which they can be loaded.
func (a *archive) addModules(dir string) error {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, _ fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(filepath.Base(file), ".ko"); ok {
			files[strings.ReplaceAll(name, "-", "_")] = file
		}
		return err
	})
	if err != nil {
		return err
	}
	var order []string
	var add func(name string) error
	add = func(name string) error {
		name = strings.ReplaceAll(name, "-", "_")
		inside := "/lib/modules/" + name + ".ko"
		if slices.Contains(order, inside) {
			return nil
		}
		if files[name] == "" {
			return fmt.Errorf("the kernel has no module %s", name)
		}
		needs, err := dependencies(files[name])
		if err != nil {
			return fmt.Errorf("%s: %w", files[name], err)
		}
		for _, need := range needs {
			if err := add(need); err != nil {
				return err
			}
		}
		order = append(order, inside)
		return a.copy(strings.TrimPrefix(inside, "/"), files[name])
	}
	for _, name := range drivers {
		if err := add(name); err != nil {
			return err
		}
	}
	a.file("lib/modules/order", 0o644, []byte(strings.Join(order, "\n")+"\n"))
	return nil
}

// dependencies reads from a module which others must be loaded before it.
func dependencies(file string) ([]string, error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info := f.Section(".modinfo")
	if info == nil {
		return nil, fmt.Errorf("not a kernel module")
	}
	data, err := info.Data()
	if err != nil {
		return nil, err
	}
	for field := range strings.SplitSeq(string(data), "\x00") {
		if list, ok := strings.CutPrefix(field, "depends="); ok {
			return strings.FieldsFunc(list, func(r rune) bool { return r == ',' }), nil
		}
	}
	return nil, nil
}

// An archive is a compressed cpio archive in the "newc" format. Every file belongs to root.
type archive struct {
	buf   bytes.Buffer
	zip   *gzip.Writer
	seen  map[string]bool
	inode int
	at    int
}

func newArchive() *archive {
	a := &archive{seen: map[string]bool{".": true, "": true}}
	a.zip = gzip.NewWriter(&a.buf)
	return a
}

func (a *archive) dir(name string) {
	if !a.seen[name] {
		a.entry(name, 0o040755, nil)
	}
}

func (a *archive) file(name string, mode uint32, content []byte) {
	a.entry(name, 0o100000|mode, content)
}

func (a *archive) link(name, target string) { a.entry(name, 0o120777, []byte(target)) }

func (a *archive) copy(name, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	a.file(name, 0o755, content)
	return nil
}

func (a *archive) entry(name string, mode uint32, content []byte) {
	if parent := path.Dir(name); !a.seen[parent] {
		a.dir(parent)
	}
	a.seen[name] = true
	a.inode++
	a.write(fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0, name))
	a.write(string(content))
}

// write pads to four bytes, as headers and contents must be.
func (a *archive) write(s string) {
	_, _ = io.WriteString(a.zip, s) // into memory: cannot fail
	a.at += len(s)
	for ; a.at%4 != 0; a.at++ {
		_, _ = a.zip.Write([]byte{0})
	}
}

func (a *archive) bytes() []byte {
	a.entry("TRAILER!!!", 0, nil)
	_ = a.zip.Close()
	return a.buf.Bytes()
}
