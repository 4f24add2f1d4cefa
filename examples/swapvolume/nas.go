package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/volume"
)

// nas is the directory that holds the volumes: one sparse file each, on storage
// that every host has mounted.
type nas string

func (n nas) path(v volume.Volume) string { return filepath.Join(string(n), string(v.ID)) }

func (n nas) Create(_ context.Context, v volume.Volume) error {
	f, err := os.OpenFile(n.path(v), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fault.Unavailable.Wrap(err, "nas")
	}
	return errors.Join(f.Truncate(int64(v.SizeGiB)<<30), f.Close())
}

func (n nas) Delete(_ context.Context, v volume.Volume) error {
	if err := os.Remove(n.path(v)); !errors.Is(err, fs.ErrNotExist) {
		return fault.Unavailable.Wrap(err, "nas")
	}
	return nil
}

func (n nas) Connect(_ context.Context, v volume.Volume, _ string) (volume.Connection, error) {
	return volume.Connection{Kind: "file", Path: n.path(v), Format: "raw"}, nil
}

func (n nas) List(context.Context) (ids []volume.ID, err error) {
	entries, err := os.ReadDir(string(n))
	for _, e := range entries {
		ids = append(ids, volume.ID(e.Name()))
	}
	return ids, fault.Unavailable.Wrap(err, "nas")
}

var _ volume.Driver = nas("")
