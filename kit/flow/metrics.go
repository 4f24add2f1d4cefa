package flow

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nacre-cloud/nacre/kit/fault"
)

type metrics struct {
	steps    *prometheus.HistogramVec
	runs     *prometheus.CounterVec
	failures *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "nacre_flow_step_seconds", Help: "Time an action of a flow took.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}, []string{"flow", "step", "undo"}),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nacre_flow_runs_total", Help: "Runs that ended, by how.",
		}, []string{"flow", "status"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nacre_flow_failures_total", Help: "Actions that failed, by kind of fault.",
		}, []string{"flow", "step", "undo", "kind"}),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.steps, m.runs, m.failures}
}

func (m *metrics) step(at Point, took time.Duration, err error) {
	undo := map[bool]string{false: "no", true: "yes"}[at.Undo]
	m.steps.WithLabelValues(at.Flow, at.Step, undo).Observe(took.Seconds())
	if err != nil {
		m.failures.WithLabelValues(at.Flow, at.Step, undo, string(fault.Of(err))).Inc()
	}
}

func (m *metrics) ended(r *Run) { m.runs.WithLabelValues(r.Flow, string(r.Status)).Inc() }

// stuckGauge counts on every scrape, so that it is right after a restart too.
func (e *Engine) stuckGauge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "nacre_flow_stuck_runs", Help: "Open runs whose current action keeps failing.",
	}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		n, err := e.db.Read().NewSelect().Model((*Run)(nil)).Where(isOpen).Where("attempts >= ?", stuckAfter).Count(ctx)
		if err != nil {
			return -1
		}
		return float64(n)
	})
}
