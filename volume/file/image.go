package file

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/volume"
)

// sparse writes to a file and skips what is zero.
type sparse struct {
	f   *os.File
	end int64
}

func (s *sparse) Write(p []byte) (int, error) {
	s.end += int64(len(p))
	for _, b := range p {
		if b != 0 {
			return s.f.Write(p)
		}
	}
	if _, err := s.f.Seek(int64(len(p)), io.SeekCurrent); err != nil {
		return 0, err
	}
	return len(p), s.f.Truncate(s.end)
}

// Export implements volume.Exporter.
func (d *Driver) Export(_ context.Context, v volume.Volume, w io.Writer) error {
	f, err := os.Open(d.path(v))
	if err != nil {
		return kind(err)
	}
	_, err = io.Copy(w, f)
	return kind(errors.Join(err, f.Close()))
}

// convert imports an image by way of qemu-img. The format is always named, so
// that content cannot choose how it is read.
func (d *Driver) convert(ctx context.Context, v volume.Volume, image volume.Image, r io.Reader) error {
	path := d.path(v)
	source := path + imageFile + partial
	defer func() { _ = os.Remove(source) }() // Start removes what stays
	if err := write(source, r); err != nil {
		return err
	}
	size, err := virtualSize(ctx, source, image.DiskFormat)
	if err != nil {
		return err
	}
	if size > bytes(v) {
		return fault.Invalid.Errorf("image %s has a disk of %d GiB: it does not fit in %d GiB", image.ID, (size+1<<30-1)>>30, v.SizeGiB)
	}
	if _, err := qemuImg(ctx, source, "convert", "-f", image.DiskFormat, "-O", "raw", source, path+partial); err != nil {
		return err
	}
	if err := publish(path); err != nil {
		return err
	}
	return d.Resize(ctx, v)
}

func virtualSize(ctx context.Context, path, format string) (int64, error) {
	out, err := qemuImg(ctx, path, "info", "-f", format, "--output=json", path)
	if err != nil {
		return 0, err
	}
	var info struct {
		VirtualSize int64  `json:"virtual-size"`
		Backing     string `json:"backing-filename"`
	}
	if err := json.Unmarshal(out, &info); err != nil {
		return 0, fault.Internal.Wrap(err, "read what qemu-img says of an image")
	}
	if info.Backing != "" {
		return 0, fault.Invalid.Errorf("the image names a backing file")
	}
	return info.VirtualSize, nil
}

// qemuImg works on an image, which is Invalid where qemu-img refuses it.
func qemuImg(ctx context.Context, source string, args ...string) ([]byte, error) {
	program, err := exec.LookPath("qemu-img")
	if err != nil {
		return nil, fault.Unsupported.Errorf("images that are not raw need qemu-img: install qemu-utils")
	}
	out, err := run(ctx, program, args...)
	if err == nil {
		return out, nil
	}
	if _, gone := os.Stat(source); gone != nil {
		return nil, vanished(source)
	}
	return nil, fault.Invalid.Wrap(err, "qemu-img %s", args[0])
}
