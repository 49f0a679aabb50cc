//go:build integration

package main

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	load "github.com/lightcloud/kvm2openstack/importer/usage"
)

// A sampling is what of a sample's report is looked at.
type sampling struct {
	Domains []struct {
		Name  string      `json:"name"`
		State string      `json:"state"`
		Usage *load.Usage `json:"usage"`
	} `json:"domains"`
	Usage struct{ Measured, Idle int } `json:"usage"`
}

// sampled takes a sample. A host that is busy answers so late that a short one
// says nothing, as the report then tells.
func (s *site) sampled() (a sampling) {
	s.t.Helper()
	for _, long := range []string{"5s", "30s", "2m"} {
		a = sampling{}
		text := s.command(exitBlocked, "audit", "--sample", long, "-o", "json")
		s.must(json.Unmarshal([]byte(text), &a))
		if !strings.Contains(text, "take a longer sample") {
			break
		}
	}
	return a
}

// TestSample watches real guests, and nothing about them or the cloud is
// another afterwards.
func TestSample(t *testing.T) {
	for _, w := range settings(t)[:2] { // each way to a host once
		t.Run(w.name, func(t *testing.T) {
			s := newSiteOf(t, w.release, w.host)
			before := s.snapshot()
			audit := s.sampled()
			running := 0
			for _, d := range audit.Domains {
				on := d.State == "running" || d.State == "paused"
				if on != (d.Usage != nil) {
					t.Errorf("%s is %s, usage %+v", d.Name, d.State, d.Usage)
				}
				if !on || d.Usage == nil {
					continue
				}
				running++
				u := d.Usage
				if u.Seconds < 5 || u.CPU == nil || u.Memory == nil || u.Memory.Source != "rss" || len(u.Disks) == 0 || u.Disks[0].Rates == nil || len(u.NotMeasured) > 0 || u.Paused != (d.State == "paused") {
					t.Errorf("%s: usage %+v", d.Name, u)
				}
			}
			if running < 4 || audit.Usage.Measured != running {
				t.Errorf("%d domains run, totals %+v", running, audit.Usage)
			}
			table := s.command(exitBlocked, "audit", "--sample", "1s")
			if !strings.Contains(table, "OF ALL") || !strings.Contains(table, "watched for 1 s: ") {
				t.Errorf("the table has no usage:\n%s", table)
			}
			rows, err := csv.NewReader(strings.NewReader(s.command(exitBlocked, "audit", "--sample", "1s", "-o", "csv"))).ReadAll()
			if err != nil || rows[0][len(rows[0])-1] != "not_measured" {
				t.Errorf("CSV: %v", err)
			}
			before.nothingChanged("a sample")
		})
	}
}
