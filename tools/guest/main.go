// Guest builds the small Linux system that the demo and the tests boot as a
// server: a Debian kernel and busybox on a BIOS disk of about 16 MB. It needs
// neither root nor mounts, and takes a few seconds.
//
//	go run ./tools/guest -o DIR        writes DIR/guest.qcow2
//
// It works on Debian and needs these packages on the machine:
//
//	busybox-static dropbear-bin mtools qemu-utils syslinux syslinux-common
//
// The kernel, linux-image-cloud-amd64, is downloaded with apt-get but not
// installed; -kernel names a package file that is there already.
//
// The guest is what a cloud's image must be, and tells the serial console what it
// does, on lines that begin with "guest: ":
//
//	up after 1.52 s, kernel 6.1.0-…                userland runs
//	boot 1 of this disk                            counted on the boot disk
//	disk vdb added, 64 MiB, serial 0199…           at boot and when plugged
//	nic eth0 added, fa:16:3e:…
//	nic eth0 has address 10.0.0.5/24               DHCP on every NIC
//	source config drive                            or metadata, or none
//	hostname web-1
//	ssh key ssh-ed25519 AAAA…                      of the first key pair
//	user data: …                                   each line that it printed
//	user data: exit 0
//	ready after 3.21 s
//	power button                                   then it powers off
//
// User data is a script, or a cloud-config of which the runcmd lines are run.
// With a key it serves SSH for root; it has no password and no console login.
// The files of the guest lie in root/.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	out := flag.String("o", ".", "directory for guest.qcow2")
	kernel := flag.String("kernel", "", "kernel package file instead of a download")
	flag.Parse()
	if err := build(*out, *kernel); err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		os.Exit(1)
	}
}

func build(out, kernelPackage string) error {
	work, err := os.MkdirTemp("", "guest-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	k, err := unpackKernel(work, kernelPackage)
	if err != nil {
		return err
	}
	initrd := filepath.Join(work, "initrd")
	if err := writeInitrd(initrd, k); err != nil {
		return err
	}
	return writeDisk(filepath.Join(out, "guest.qcow2"), work, k.image, initrd)
}

// kernel is an unpacked kernel package.
type kernel struct {
	image   string // the file to boot
	modules string // the directory of its modules
}

func unpackKernel(work, pkg string) (kernel, error) {
	if pkg == "" {
		found, err := download(work)
		if err != nil {
			return kernel{}, fmt.Errorf("download the kernel: %w", err)
		}
		pkg = found
	}
	tree := filepath.Join(work, "kernel")
	if _, err := run("", "dpkg-deb", "-x", pkg, tree); err != nil {
		return kernel{}, err
	}
	images, _ := filepath.Glob(tree + "/boot/vmlinuz-*")
	modules, _ := filepath.Glob(tree + "/lib/modules/*")
	if len(images) != 1 || len(modules) != 1 {
		return kernel{}, fmt.Errorf("%s is not a kernel package", pkg)
	}
	return kernel{image: images[0], modules: modules[0]}, nil
}

// download fetches the package that the cloud kernel's metapackage stands for.
func download(dir string) (string, error) {
	depends, err := run("", "apt-cache", "depends", "linux-image-cloud-amd64")
	if err != nil {
		return "", err
	}
	_, name, found := strings.Cut(depends, "Depends: ")
	if !found {
		return "", fmt.Errorf("apt knows no linux-image-cloud-amd64; run apt-get update")
	}
	name, _, _ = strings.Cut(name, "\n")
	if _, err := run(dir, "apt-get", "download", name); err != nil {
		return "", err
	}
	files, _ := filepath.Glob(filepath.Join(dir, name+"_*.deb"))
	if len(files) != 1 {
		return "", fmt.Errorf("apt-get download %s left %d files", name, len(files))
	}
	return files[0], nil
}

// run runs a command in dir and returns what it printed.
func run(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "MTOOLS_SKIP_CHECK=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
