package nacre_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/nacre-cloud/nacre"
	"github.com/nacre-cloud/nacre/compute"
	computememory "github.com/nacre-cloud/nacre/compute/memory"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/nats"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
	networkmemory "github.com/nacre-cloud/nacre/network/memory"
)

// TestAHostTellsHowItFares, though it has neither a database nor a face, and that
// it has lost the bus.
func TestAHostTellsHowItFares(t *testing.T) {
	broker := nats.NewServer(nats.ServerConfig{Listen: "127.0.0.1:0"})
	if err := broker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var server *rest.Server
	host := fxtest.New(t, fx.NopLogger,
		nacre.Host,
		nats.Module(nats.Config{URL: broker.URL()}),
		computememory.Host("host1", computememory.Config{}, compute.AgentConfig{}),
		network.AddHost("host1", func() (network.Driver, error) { return networkmemory.New(), nil }),
		fx.Supply(bus.Config{Name: "host1"}),
		fx.Populate(&server),
	).RequireStart()
	defer host.RequireStop()
	get := func(path string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	if status, body := get("/healthz"); status != 200 || body != `{"status":"ok","checks":{"bus":"ok"}}` {
		t.Errorf("well: %d %s", status, body)
	}
	if _, body := get("/metrics"); !strings.Contains(body, "nacre_bus_call_seconds") {
		t.Error("the metrics say nothing about calls")
	}
	if err := broker.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if status, body := get("/healthz"); status != 503 || !strings.Contains(body, `"bus":"the broker`) {
		t.Errorf("without a broker: %d %s", status, body)
	}
}
