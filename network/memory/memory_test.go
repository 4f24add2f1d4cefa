package memory_test

import (
	"testing"

	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/network/memory"
	"github.com/nacre-cloud/nacre/network/networktest"
)

func TestDriver(t *testing.T) {
	networktest.TestDriver(t, func(*testing.T) network.Driver { return memory.New() })
}
