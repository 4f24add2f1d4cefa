package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// collectRarely trades memory for speed while there is work, unless GOGC says
// otherwise: a cloud at rest is a few megabytes, which the collector's default lets
// double before it looks through all of them again. Once a minute in which nothing
// was collected, what the work has left goes back to the system.
func collectRarely(ctx context.Context) {
	const percent = 400
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(percent)
	go func() {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		var collections uint32
		var kept uint64 // bytes that lived after memory was given back
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			if m.NumGC == collections && m.HeapAlloc > kept+kept/4 {
				debug.FreeOSMemory()
				runtime.ReadMemStats(&m)
				kept = m.HeapAlloc
			}
			collections = m.NumGC
		}
	}()
}
