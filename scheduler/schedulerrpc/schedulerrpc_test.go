package schedulerrpc_test

import (
	"testing"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/scheduler/schedulerrpc"
	"github.com/nacre-cloud/nacre/scheduler/schedulertest"
)

func TestClient(t *testing.T) {
	for _, kind := range []bustest.Kind{bustest.GoChannel, bustest.NATS} {
		t.Run(string(kind), func(t *testing.T) {
			schedulertest.TestService(t, func(t *testing.T) scheduler.Service {
				d := dbtest.SQLite(t, bus.Migrations, scheduler.Migrations)
				m, err := scheduler.New(scheduler.Params{DB: d})
				if err != nil {
					t.Fatal(err)
				}
				server, client := bustest.Pair(t, kind, d)
				schedulerrpc.Serve(server, m)
				return schedulerrpc.Client{Bus: client}
			})
		})
	}
}
