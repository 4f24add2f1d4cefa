package bus_test

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

func TestOneTraceAcrossCallsAndEvents(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	traces := sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))
	connect := bustest.Broker(t, bustest.Embedded)
	d := dbtest.SQLite(t, bus.Migrations)
	server := bustest.Start(t, bus.Params{Transport: connect(t), DB: d, Traces: traces})
	client := bustest.Start(t, bus.Params{Transport: connect(t), Traces: traces})
	var seen notes
	bus.On(server, "l", func(ctx context.Context, _ *db.Tx, _ born) error {
		seen.add(bus.Baggage(ctx)["who"] + " " + trace.SpanContextFromContext(ctx).TraceID().String())
		return nil
	})
	echo.Serve(server, func(ctx context.Context, s string) (string, error) {
		return s, d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return bus.Publish(ctx, tx, born{s}) })
	})
	ctx, span := traces.Tracer("test").Start(bus.WithBaggage(t.Context(), "who", "ann"), "request")
	if _, err := echo.Call(ctx, client, "x"); err != nil {
		t.Fatal(err)
	}
	span.End()
	seen.wait(t, "ann "+span.SpanContext().TraceID().String())
	kinds := func() map[trace.SpanKind]int {
		n := map[trace.SpanKind]int{}
		for _, s := range spans.Ended() {
			if s.SpanContext().TraceID() == span.SpanContext().TraceID() {
				n[s.SpanKind()]++
			}
		}
		return n
	}
	eventually(t, "every span has ended", func() bool {
		n := kinds()
		return n[trace.SpanKindClient] == 1 && n[trace.SpanKindServer] == 1 && n[trace.SpanKindConsumer] == 1
	})
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	connect := bustest.Broker(t, bustest.GoChannel)
	d := dbtest.SQLite(t, bus.Migrations)
	server := bustest.Start(t, bus.Params{Transport: connect(t), DB: d, Metrics: registry, Config: bus.Config{Attempts: 1}})
	client := bustest.Start(t, bus.Params{Transport: connect(t), Metrics: registry})
	var seen notes
	bus.On(server, "l", func(_ context.Context, _ *db.Tx, e born) error { seen.add(e.ID); return nil })
	bus.On(server, "broken", func(context.Context, *db.Tx, gone) error { return fault.Invalid.Errorf("no") })
	echo.To("host").Serve(server, func(_ context.Context, s string) (string, error) { return s, nil })
	if _, err := echo.To("host").Call(t.Context(), client, "x"); err != nil {
		t.Fatal(err)
	}
	publish(t, d, born{"1"}, gone{"1"})
	seen.wait(t, "1")
	want := map[string]string{
		"nacre_bus_call_seconds":       "test.echo",
		"nacre_bus_serve_seconds":      "test.echo",
		"nacre_bus_events_total":       "l",
		"nacre_bus_listener_lag":       "l",
		"nacre_bus_outbox_seconds":     "",
		"nacre_bus_dead_letters_total": "broken",
	}
	eventually(t, "all metrics", func() bool {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, f := range families {
			for _, m := range f.GetMetric() {
				label := ""
				for _, l := range m.GetLabel() {
					if l.GetName() == "method" || l.GetName() == "listener" {
						label = l.GetValue()
					}
				}
				if w, ok := want[f.GetName()]; ok && w == label {
					found++
				}
			}
		}
		return found >= len(want)
	})
	if n := letters(t, registry); n != 1 {
		t.Errorf("%v dead letters", n)
	}
	gone, err := server.DeadLetters(t.Context(), page.Query{})
	if err != nil || len(gone.Items) != 1 {
		t.Fatal(gone, err)
	}
	if err := server.Discard(t.Context(), gone.Items[0].ID); err != nil {
		t.Fatal(err)
	}
	if n := letters(t, registry); n != 0 {
		t.Errorf("%v dead letters after the only one was discarded", n)
	}
}

// letters is the gauge of dead letters that wait.
func letters(t *testing.T, from prometheus.Gatherer) float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "nacre_bus_dead_letters" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("no such metric")
	return 0
}
