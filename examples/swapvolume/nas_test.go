package main

import (
	"testing"

	"github.com/nacre-cloud/nacre/volume"
	"github.com/nacre-cloud/nacre/volume/volumetest"
)

func TestNAS(t *testing.T) {
	volumetest.TestDriver(t, func(t *testing.T) volume.Driver { return nas(t.TempDir()) })
}
