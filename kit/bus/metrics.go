package bus

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// metrics are kept even when nobody collects them.
type metrics struct {
	calls   *prometheus.HistogramVec // seconds, by method and outcome
	serves  *prometheus.HistogramVec
	events  *prometheus.CounterVec // handled, by listener
	lag     *prometheus.GaugeVec   // events not yet handled, by listener and origin
	relayed prometheus.Histogram   // seconds from publishing to numbering
	dead    *prometheus.CounterVec // by listener
	lost    *prometheus.CounterVec // by listener
}

func newMetrics(r prometheus.Registerer) *metrics {
	buckets := []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5, 10, 60}
	histogram := func(name, help string) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Name: "nacre_bus_" + name, Help: help, Buckets: buckets}
	}
	counter := func(name, help string) *prometheus.CounterVec {
		return register(r, prometheus.NewCounterVec(prometheus.CounterOpts{Name: "nacre_bus_" + name, Help: help}, []string{"listener"}))
	}
	outcome := []string{"method", "outcome"}
	return &metrics{
		calls:   register(r, prometheus.NewHistogramVec(histogram("call_seconds", "Time from call to answer."), outcome)),
		serves:  register(r, prometheus.NewHistogramVec(histogram("serve_seconds", "Time a handler of calls took."), outcome)),
		relayed: register(r, prometheus.NewHistogram(histogram("outbox_seconds", "Time an event waited in the outbox."))),
		lag: register(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "nacre_bus_listener_lag",
			Help: "Positions of the log a listener has not come to.",
		}, []string{"listener", "origin"})),
		events: counter("events_total", "Events handled."),
		dead:   counter("dead_letters_total", "Events a listener gave up."),
		lost:   counter("pruned_total", "Times a listener came too late for events that were pruned."),
	}
}

// countLetters makes r count the dead letters on every scrape, so that it is right
// after a restart too.
func countLetters(r prometheus.Registerer, d *db.DB) {
	register(r, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "nacre_bus_dead_letters", Help: "Events that were given up and wait to be replayed or discarded.",
	}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		n, err := lettersIn(ctx, d.Read())
		if err != nil {
			return -1
		}
		return float64(n)
	}))
}

// register returns the collector that r already has under that name, or c.
func register[C prometheus.Collector](r prometheus.Registerer, c C) C {
	if r == nil {
		return c
	}
	var known prometheus.AlreadyRegisteredError
	if err := r.Register(c); errors.As(err, &known) {
		if same, ok := known.ExistingCollector.(C); ok {
			return same
		}
	}
	return c
}

func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return string(fault.Of(err))
}

func (m *metrics) called(method string, err error, took time.Duration) {
	m.calls.WithLabelValues(method, outcome(err)).Observe(took.Seconds())
}

func (m *metrics) served(method string, err error, took time.Duration) {
	m.serves.WithLabelValues(method, outcome(err)).Observe(took.Seconds())
}
