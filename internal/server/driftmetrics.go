package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/bonfiredb/bonfire/records"
)

// drift tells what the last comparison of bucket and database has seen. Of all
// servers the one whose turn it is has these figures, the others have none.
type drift struct{ rooms *Rooms }

var (
	driftFindings = prometheus.NewDesc("bonfire_drift_findings",
		"Differences between bucket and database in the last comparison.", []string{"code"}, nil)
	driftForeign = prometheus.NewDesc("bonfire_drift_foreign_objects",
		"Names below the bucket's prefix that are not ours.", nil, nil)
	driftLastRun = prometheus.NewDesc("bonfire_drift_last_run_timestamp_seconds",
		"When the last comparison of bucket and database ended.", nil, nil)
	driftDuration = prometheus.NewDesc("bonfire_drift_last_run_duration_seconds",
		"How long the last comparison of bucket and database took.", nil, nil)
	driftObjects = prometheus.NewDesc("bonfire_drift_objects_checked",
		"Objects that the last comparison looked at.", nil, nil)
	driftBytes = prometheus.NewDesc("bonfire_drift_bytes_checked",
		"Bytes of the objects that the last comparison looked at.", nil, nil)
)

// Describe implements prometheus.Collector.
func (drift) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{driftFindings, driftForeign, driftLastRun, driftDuration, driftObjects, driftBytes} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c drift) Collect(out chan<- prometheus.Metric) {
	last, ok := c.rooms.Records.LastDrift()
	if !ok {
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for _, code := range records.DriftCodes() {
		if code == records.DriftDigest {
			continue // nobody reads every byte in the background
		}
		gauge(driftFindings, float64(last.Found[code]), string(code))
	}
	gauge(driftForeign, float64(last.Foreign))
	gauge(driftLastRun, float64(last.Finished.UnixMilli())/1000)
	gauge(driftDuration, last.Finished.Sub(last.Started).Seconds())
	gauge(driftObjects, float64(last.Objects))
	gauge(driftBytes, float64(last.Bytes))
}
