package server

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/bonfiredb/bonfire/auth"
)

// metrics are what Prometheus is told. Labels are routes, statuses and
// operations, never an id (P10).
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
}

func newMetrics(r *Rooms) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bonfire_http_request_duration_seconds", Help: "Time to answer a request, its body included.",
			Buckets: []float64{.005, .025, .1, .25, .5, 1, 2.5, 10, 60, 600},
		}, []string{"method", "route", "status"}),
	}
	m.registry.MustRegister(m.requests, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), s3Calls{r}, drift{r})
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("bonfire_database_connections_used", "Database connections that are busy.", func() float64 { return float64(r.Store.Stats().AcquiredConns()) })
	gauge("bonfire_database_connections_max", "Database connections there may be.", func() float64 { return float64(r.Store.Stats().MaxConns()) })
	gauge("bonfire_spool_bytes", "Memory held by bytes of uploads on their way.", func() float64 { return float64(r.Budget.Used()) })
	gauge("bonfire_spool_kept_bytes", "Memory held by pieces that become parts soon; spools get it as they need it.", func() float64 { return float64(r.Budget.Kept()) })
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "bonfire_spool_spills_total", Help: "Spools that went to a file because the memory budget was used up.",
	}, func() float64 { return float64(r.Budget.Spills()) }))
	if r.webhook != nil {
		m.registry.MustRegister(webhookAttempts{r})
	}
	return m
}

// answered is told of each request. A request that matched no route has none.
func (m *metrics) answered(a auth.Answered) {
	m.requests.WithLabelValues(a.Method, a.Route, strconv.Itoa(a.Status)).Observe(a.Latency.Seconds())
}

func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}

// s3Calls counts the requests to S3 by operation.
type s3Calls struct{ rooms *Rooms }

var s3CallsDesc = prometheus.NewDesc("bonfire_s3_requests_total", "Requests sent to S3, retries included.", []string{"operation"}, nil)

// Describe implements prometheus.Collector.
func (s3Calls) Describe(out chan<- *prometheus.Desc) { out <- s3CallsDesc }

// Collect implements prometheus.Collector.
func (c s3Calls) Collect(out chan<- prometheus.Metric) {
	for name, n := range c.rooms.Bucket.Calls() {
		if operation, ok := strings.CutSuffix(name, ".attempts"); ok {
			out <- prometheus.MustNewConstMetric(s3CallsDesc, prometheus.CounterValue, float64(n), operation)
		}
	}
}

// webhookAttempts counts what became of events on their way to the webhook.
type webhookAttempts struct{ rooms *Rooms }

var webhookDesc = prometheus.NewDesc("bonfire_webhook_events_total",
	"Attempts to deliver an event that were taken (delivered) or not (failed), and events given up (dead).", []string{"outcome"}, nil)

// Describe implements prometheus.Collector.
func (webhookAttempts) Describe(out chan<- *prometheus.Desc) { out <- webhookDesc }

// Collect implements prometheus.Collector.
func (c webhookAttempts) Collect(out chan<- prometheus.Metric) {
	delivered, failed, dead := c.rooms.webhook.Counts()
	for outcome, n := range map[string]int64{"delivered": delivered, "failed": failed, "dead": dead} {
		out <- prometheus.MustNewConstMetric(webhookDesc, prometheus.CounterValue, float64(n), outcome)
	}
}
