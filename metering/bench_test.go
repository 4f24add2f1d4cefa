package metering_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/metering"
	"github.com/nacre-cloud/nacre/metering/meteringtest"
)

// BenchmarkRecord keeps one minute of 1,000 servers: 6,000 samples in SQLite.
func BenchmarkRecord(b *testing.B) {
	m := metering.New(metering.Params{DB: dbtest.SQLite(b, metering.Migrations)})
	ctx := meteringtest.Operator(b.Context())
	meters := []string{metering.CPU, metering.Memory, metering.DiskRead, metering.DiskWritten, metering.NetworkIn, metering.NetworkOut}
	at := time.Now().UTC()
	for b.Loop() {
		at = at.Add(time.Minute)
		var batch []metering.Sample
		for server := range 1000 {
			for _, meter := range meters {
				batch = append(batch, metering.Sample{Meter: meter, ResourceID: fmt.Sprint("server-", server), ProjectID: "p", At: at, Value: 1})
			}
		}
		if err := m.Record(ctx, batch); err != nil {
			b.Fatal(err)
		}
	}
}
