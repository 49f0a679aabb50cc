// Package metrics shows the last run of sync to Prometheus: as a file for
// node_exporter's textfile collector, or over HTTP.
package metrics

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lightcloud/kvm2openstack/importer/sync"
)

// A Metrics is what is known of the last run.
type Metrics struct {
	registry *prometheus.Registry

	domains, adopted, locked, up  *prometheus.GaugeVec // by host
	drift, healed                 *prometheus.GaugeVec // by code
	hosts, unreachable            prometheus.Gauge
	stopped, failed               prometheus.Gauge
	duration, lastRun, lastOK, ok prometheus.Gauge

	usage usageMetrics
}

// New has no run yet.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	one := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "kvm2openstack", Name: name, Help: help})
		m.registry.MustRegister(g)
		return g
	}
	many := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "kvm2openstack", Name: name, Help: help}, labels)
		m.registry.MustRegister(g)
		return g
	}
	m.domains = many("domains", "Domains of a host by what the rules of the audit say of them.", "host", "verdict")
	m.adopted = many("adopted_domains", "Domains of a host that were adopted.", "host")
	m.locked = many("locked_domains", "Adopted domains of a host whose instance is locked.", "host")
	m.up = many("host_up", "Whether the host was read whole.", "host")
	m.drift = many("drift", "Drifts that are not healed, by code.", "code")
	m.healed = many("sync_healed", "Drifts that the last run has healed, by code.", "code")
	m.hosts = one("hosts", "Hosts of the inventory.")
	m.unreachable = one("hosts_unreachable", "Hosts that could not be read whole.")
	m.stopped = one("sync_stopped", "Whether the last run found a world in which nothing may be healed.")
	m.failed = one("sync_failed_remedies", "Drifts that the last run was to heal and has not.")
	m.duration = one("sync_duration_seconds", "Time that the last run took.")
	m.lastRun = one("sync_last_run_timestamp_seconds", "When the last run ended.")
	m.lastOK = one("sync_last_success_timestamp_seconds", "When a run last came to a good end; 0 for never.")
	m.ok = one("sync_last_run_success", "Whether the last run came to its end.")
	many("build_info", "The version that has written this.", "version").WithLabelValues(version).Set(1)
	m.usage = newUsage(many)
	return m
}

// Set shows a run.
func (m *Metrics) Set(r sync.Result, lastSuccess time.Time) {
	m.setHosts(r)
	for _, c := range sync.Codes() { // A code that is 0 can be alarmed on before it ever occurs.
		m.drift.WithLabelValues(string(c)).Set(0)
		m.healed.WithLabelValues(string(c)).Set(0)
	}
	for _, d := range r.Drifts {
		if d.Healed {
			m.healed.WithLabelValues(string(d.Code)).Inc()
		} else {
			m.drift.WithLabelValues(string(d.Code)).Inc()
		}
	}
	m.stopped.Set(asNumber(r.Stopped != ""))
	m.failed.Set(float64(r.Failed))
	m.duration.Set(r.Took.Seconds())
	m.lastRun.Set(seconds(r.At))
	m.lastOK.Set(seconds(lastSuccess))
	m.ok.Set(1)
}

// setHosts forgets the hosts that are not in the inventory any more.
func (m *Metrics) setHosts(r sync.Result) {
	for _, g := range []*prometheus.GaugeVec{m.domains, m.adopted, m.locked, m.up} {
		g.Reset()
	}
	m.hosts.Set(float64(len(r.Hosts)))
	m.unreachable.Set(0)
	for _, h := range r.Hosts {
		h.Host = valid(h.Host)
		for _, v := range sync.Verdicts {
			m.domains.WithLabelValues(h.Host, string(v)).Set(float64(h.Verdicts[string(v)]))
		}
		m.adopted.WithLabelValues(h.Host).Set(float64(h.Adopted))
		m.locked.WithLabelValues(h.Host).Set(float64(h.Locked))
		m.up.WithLabelValues(h.Host).Set(asNumber(h.Err == ""))
		if h.Err != "" {
			m.unreachable.Inc()
		}
	}
}

// Failed shows a run that ended before it had a result: the rest is of the run
// before.
func (m *Metrics) Failed(at time.Time) {
	m.ok.Set(0)
	m.lastRun.Set(seconds(at))
}

func asNumber(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}

// WriteFile puts the metrics into a file that everybody may read, replaced as a
// whole.
func (m *Metrics) WriteFile(path string) error {
	if err := prometheus.WriteToTextfile(path, m.registry); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

// Handler answers at /metrics.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}
