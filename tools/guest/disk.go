package main

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

const (
	diskSize   = 40 << 20
	sector     = 512
	firstBlock = 2048 // where the only partition begins, in sectors
)

const bootConfig = `SERIAL 0 115200
DEFAULT guest
LABEL guest
 KERNEL vmlinuz
 APPEND initrd=initrd console=ttyS0 quiet loglevel=3 panic=5
`

// writeDisk makes a disk with one FAT partition that a BIOS boots through syslinux.
func writeDisk(qcow2, work, kernelImage, initrd string) error {
	raw := filepath.Join(work, "disk")
	if err := writePartitionTable(raw); err != nil {
		return err
	}
	config := filepath.Join(work, "syslinux.cfg")
	if err := os.WriteFile(config, []byte(bootConfig), 0o600); err != nil {
		return err
	}
	offset := strconv.Itoa(firstBlock * sector)
	partition := raw + "@@" + offset
	for _, command := range [][]string{
		{
			"mformat", "-i", partition, "-T", strconv.Itoa(diskSize/sector - firstBlock),
			"-h", "16", "-s", "63", "-H", strconv.Itoa(firstBlock), "-v", "NACRE", "::",
		},
		{"syslinux", "--install", "--offset", offset, raw},
		{"mcopy", "-i", partition, config, "::syslinux.cfg"},
		{"mcopy", "-i", partition, kernelImage, "::vmlinuz"},
		{"mcopy", "-i", partition, initrd, "::initrd"},
		{"qemu-img", "convert", "-c", "-O", "qcow2", raw, qcow2},
	} {
		if _, err := run("", command[0], command[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// writePartitionTable writes an MBR whose one partition is active.
func writePartitionTable(path string) error {
	code, err := os.ReadFile("/usr/lib/syslinux/mbr/mbr.bin")
	if err != nil {
		return err
	}
	mbr := make([]byte, sector)
	copy(mbr[:440], code)
	entry := mbr[446:]
	entry[0] = 0x80 // active
	entry[4] = 0x0e // FAT16, addressed by block
	binary.LittleEndian.PutUint32(entry[8:], firstBlock)
	binary.LittleEndian.PutUint32(entry[12:], diskSize/sector-firstBlock)
	copy(mbr[510:], "\x55\xaa")
	return errors.Join(os.WriteFile(path, mbr, 0o600), os.Truncate(path, diskSize))
}
