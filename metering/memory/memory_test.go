package memory_test

import (
	"testing"

	"github.com/nacre-cloud/nacre/metering"
	"github.com/nacre-cloud/nacre/metering/memory"
	"github.com/nacre-cloud/nacre/metering/meteringtest"
)

func TestDriver(t *testing.T) {
	meteringtest.TestDriver(t, func(*testing.T) metering.Driver { return memory.New() })
}
