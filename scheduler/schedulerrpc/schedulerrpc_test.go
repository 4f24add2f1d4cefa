package schedulerrpc_test

import (
	"testing"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/scheduler/schedulerrpc"
	"github.com/nacre-cloud/nacre/scheduler/schedulertest"
)

func TestClient(t *testing.T) {
	schedulertest.TestService(t, func(t *testing.T) scheduler.Service {
		m, err := scheduler.New(scheduler.Params{
			DB: dbtest.SQLite(t, bus.Migrations, scheduler.Migrations),
		})
		if err != nil {
			t.Fatal(err)
		}
		b := bus.New(bus.Params{})
		schedulerrpc.Serve(b, m)
		return schedulerrpc.Client{Bus: runtest.Start(t, b)}
	})
}
