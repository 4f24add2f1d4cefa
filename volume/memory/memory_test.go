package memory_test

import (
	"testing"

	"github.com/nacre-cloud/nacre/volume"
	"github.com/nacre-cloud/nacre/volume/memory"
	"github.com/nacre-cloud/nacre/volume/volumetest"
)

func TestDriver(t *testing.T) {
	volumetest.TestDriver(t, func(*testing.T) volume.Driver { return memory.New() })
}
