package meteringrpc_test

import (
	"testing"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/metering"
	"github.com/nacre-cloud/nacre/metering/meteringrpc"
	"github.com/nacre-cloud/nacre/metering/meteringtest"
)

func TestClient(t *testing.T) {
	meteringtest.TestService(t, func(t *testing.T) metering.Service {
		d := dbtest.SQLite(t, metering.Migrations)
		meteringtest.Seed(t, d)
		b := bus.New(bus.Params{})
		meteringrpc.Serve(b, metering.New(metering.Params{DB: d}))
		runtest.Start(t, b)
		return meteringrpc.Client{Bus: b}
	})
}
