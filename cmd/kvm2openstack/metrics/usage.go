package metrics

import (
	"iter"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lightcloud/kvm2openstack/importer/audit"
)

// usageMetrics are what adopted domains use, each by host, domain and UUID. What
// was not measured is not there.
type usageMetrics struct {
	cpu, given, used, read, written, received, sent *prometheus.GaugeVec
}

func newUsage(many func(name, help string, labels ...string) *prometheus.GaugeVec) usageMetrics {
	by := []string{"host", "domain", "uuid"}
	return usageMetrics{
		cpu:      many("domain_cpu_used_cores", "Processors of the host that an adopted domain uses.", by...),
		given:    many("domain_memory_given_bytes", "Memory that the balloon leaves to an adopted domain.", by...),
		used:     many("domain_memory_used_bytes", "Memory that an adopted domain uses.", by...),
		read:     many("domain_disk_read_bytes_per_second", "What an adopted domain reads from its disks.", by...),
		written:  many("domain_disk_written_bytes_per_second", "What an adopted domain writes to its disks.", by...),
		received: many("domain_network_received_bytes_per_second", "What an adopted domain receives.", by...),
		sent:     many("domain_network_sent_bytes_per_second", "What an adopted domain sends.", by...),
	}
}

// SetUsage shows what domains were seen to use.
func (m *Metrics) SetUsage(domains iter.Seq[audit.Domain]) {
	u := m.usage
	for _, g := range []*prometheus.GaugeVec{u.cpu, u.given, u.used, u.read, u.written, u.received, u.sent} {
		g.Reset()
	}
	for d := range domains {
		if d.Usage != nil {
			u.set(d)
		}
	}
}

// valid is a name as a label can have it: libvirt takes any bytes.
func valid(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }

func (u usageMetrics) set(d audit.Domain) {
	who := []string{valid(d.Host), valid(d.Name), d.UUID}
	if c := d.Usage.CPU; c != nil {
		u.cpu.WithLabelValues(who...).Set(c.PercentOfOne / 100)
	}
	if m := d.Usage.Memory; m != nil {
		u.given.WithLabelValues(who...).Set(float64(m.GivenKiB) * 1024)
		u.used.WithLabelValues(who...).Set(float64(m.UsedKiB) * 1024)
	}
	for _, k := range d.Usage.Disks {
		if k.Rates != nil {
			u.read.WithLabelValues(who...).Add(k.Rates.ReadBytes)
			u.written.WithLabelValues(who...).Add(k.Rates.WriteBytes)
		}
	}
	for _, i := range d.Usage.Interfaces {
		u.received.WithLabelValues(who...).Add(i.RxBytes)
		u.sent.WithLabelValues(who...).Add(i.TxBytes)
	}
}
