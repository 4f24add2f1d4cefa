package rest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	running  prometheus.Gauge
}

func newMetrics(more []prometheus.Collector) (*metrics, error) {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nacre_http_requests_total",
			Help: "Requests answered, by face, route pattern, method and status.",
		}, []string{"face", "route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "nacre_http_request_duration_seconds",
			Help:    "Time from the request's header to the end of the reply.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10, 30},
		}, []string{"face", "route", "method"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "nacre_http_requests_running",
			Help: "Requests being answered now.",
		}),
	}
	own := []prometheus.Collector{
		m.requests, m.duration, m.running,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, c := range append(own, more...) {
		if err := m.registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) begin() { m.running.Inc() }

func (m *metrics) end(face string, x *exchange, took time.Duration) {
	method := x.request.Method
	if x.route == unmatched {
		// A client must not be able to make as many series as it knows words.
		method = unmatched
	}
	m.running.Dec()
	m.requests.WithLabelValues(face, x.route, method, strconv.Itoa(x.status)).Inc()
	m.duration.WithLabelValues(face, x.route, method).Observe(took.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}
