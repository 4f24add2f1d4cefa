package meteringrpc_test

import (
	"testing"

	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/metering"
	"github.com/nacre-cloud/nacre/metering/meteringrpc"
	"github.com/nacre-cloud/nacre/metering/meteringtest"
)

func TestClient(t *testing.T) {
	for _, kind := range []bustest.Kind{bustest.GoChannel, bustest.NATS} {
		t.Run(string(kind), func(t *testing.T) {
			meteringtest.TestService(t, func(t *testing.T) metering.Service {
				d := dbtest.SQLite(t, metering.Migrations)
				meteringtest.Seed(t, d)
				server, client := bustest.Pair(t, kind, nil)
				meteringrpc.Serve(server, metering.New(metering.Params{DB: d}))
				return meteringrpc.Client{Bus: client}
			})
		})
	}
}
