package rest_test

import (
	"context"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

const launch = bus.Method[string, bus.None]("harbour.launch")

type launched struct{ Boat string }

func (launched) Name() string { return "harbour.launched.v1" }

// TestOneTraceFollowsARequest from the client's own span, through the flow that it
// starts and a call to another process, to who hears of the result.
func TestOneTraceFollowsARequest(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	traces := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	d := dbtest.SQLite(t, bus.Migrations, flow.Migrations)
	connect := bustest.Broker(t, bustest.NATS)
	here := bustest.Start(t, bus.Params{Transport: connect(t), Traces: traces})
	there := bustest.Start(t, bus.Params{Transport: connect(t), DB: d, Traces: traces})

	var request string
	launch.Serve(there, bus.NoResult(func(ctx context.Context, boat string) error {
		request = rest.RequestID(ctx)
		return d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return bus.Publish(ctx, tx, launched{boat}) })
	}))
	bus.On(there, "watch", func(context.Context, *db.Tx, launched) error { return nil })
	build := flow.New[string]("build").Step("launch", func(ctx context.Context, boat *string) error {
		_, err := launch.Call(ctx, here, *boat)
		return err
	}, nil)
	face := rest.Face{Name: "harbour", Prefix: "/harbour", Dialect: dialect.Keyed, Routes: []rest.Route{
		rest.POST("/boats/{id}", func(r *rest.Request) (rest.Response, error) {
			return rest.Empty(), d.Tx(r.Context(), func(ctx context.Context, tx *db.Tx) error {
				_, err := flow.Start(ctx, tx, build, "boat/"+r.Param("id"), r.Param("id"))
				return err
			})
		}).Public(),
	}}
	s, err := rest.New(rest.Params{Faces: []rest.Face{face}, Traces: traces})
	if err != nil {
		t.Fatal(err)
	}
	const traceID, clientSpan = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	w := try{method: "POST", path: "/harbour/boats/b1", header: map[string]string{"traceparent": "00-" + traceID + "-" + clientSpan + "-01"}}.send(t, s.Handler())
	if w.Code != 204 {
		t.Fatal(w.Code, w.Body)
	}

	// The process that took the request may be gone: an engine finds the run in its row.
	engine := flow.NewEngine(d, nil, flow.Config{Traces: traces})
	flow.Register(engine, build)
	if n, err := engine.RunDue(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	names := []string{"POST /harbour/boats/{id}", "build launch", "harbour.launch client", "harbour.launch server", "watch harbour.launched.v1"}
	ended := map[string]sdktrace.ReadOnlySpan{}
	flowtest.Eventually(t, "every span has ended", func() bool {
		for _, span := range spans.Ended() {
			name := span.Name()
			if name == string(launch) {
				name += " " + span.SpanKind().String()
			}
			ended[name] = span
		}
		return len(ended) >= len(names)
	})
	parent := clientSpan
	for _, name := range names {
		span := ended[name]
		if span == nil {
			t.Fatalf("no span %q in %v", name, ended)
		}
		if got := span.SpanContext().TraceID().String(); got != traceID {
			t.Errorf("%s is in trace %s", name, got)
		}
		if got := span.Parent().SpanID().String(); got != parent {
			t.Errorf("%s hangs on span %s, want %s", name, got, parent)
		}
		parent = span.SpanContext().SpanID().String()
	}
	if id := w.Header().Get("X-Openstack-Request-Id"); request != id {
		t.Errorf("the served method is part of request %q, want %q", request, id)
	}
}
