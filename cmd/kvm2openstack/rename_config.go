package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/restart"
	"github.com/lightcloud/kvm2openstack/rename"
)

// restartConfig is how guests are restarted, when no flag says otherwise.
type restartConfig struct {
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout"` // for the guest, from the first request
	HealthTimeout   time.Duration `yaml:"health_timeout"`   // for the guest, once it is started, until probes and agent answer
	MaxPerHost      int           `yaml:"max_per_host"`
	MaxUnavailable  int           `yaml:"max_unavailable"`
	StopAfter       *int          `yaml:"stop_after"` // failures; 0 for never
	Window          string        `yaml:"window"`
	Expected        time.Duration `yaml:"expected_duration"` // of one restart, until some were measured
	GroupBy         string        `yaml:"group_by"`
	StartBy         string        `yaml:"start_by"`
	ResumePaused    bool          `yaml:"resume_paused"` // wake paused guests, so that they can shut down
	Probes          []plan.Probe  `yaml:"probes"`        // for domains whose plan has none
}

// The defaults of a restart.
const (
	defaultShutdown    = 5 * time.Minute
	defaultHealth      = 2 * time.Minute
	defaultPerHost     = 1
	defaultUnavailable = 5
	defaultStopAfter   = 3
)

// check reports all that cannot be meant so.
func (r restartConfig) check() error {
	var errs []error
	add := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("restart: "+format, args...))
		}
	}
	add(r.ShutdownTimeout < 0, "shutdown_timeout %v is below 0", r.ShutdownTimeout)
	add(r.HealthTimeout < 0, "health_timeout %v is below 0", r.HealthTimeout)
	add(r.Expected < 0, "expected_duration %v is below 0", r.Expected)
	add(r.MaxPerHost < 0, "max_per_host %d is below 0", r.MaxPerHost)
	add(r.MaxUnavailable < 0, "max_unavailable %d is below 0", r.MaxUnavailable)
	add(r.StopAfter != nil && *r.StopAfter < 0, "stop_after %d is below 0", r.stopAfter())
	_, err := parseWindow(r.Window)
	add(err != nil, "%w", err)
	_, err = restart.ParseGrouping(r.GroupBy)
	add(err != nil, "group_by: %w", err)
	add(r.StartBy != "" && !isStartBy(r.StartBy), "start_by %q is not nova or libvirt", r.StartBy)
	for n, p := range r.Probes {
		err := p.Check()
		add(err != nil, "probes: entry %d: %w", n+1, err)
	}
	return errors.Join(errs...)
}

func (r restartConfig) stopAfter() int {
	if r.StopAfter == nil {
		return defaultStopAfter
	}
	return *r.StopAfter
}

func isStartBy(word string) bool {
	return word == string(restart.ByNova) || word == string(restart.ByLibvirt)
}

// windowAlways is the word for no window at all, where the configuration has one.
const windowAlways = "always"

func parseWindow(text string) (restart.Window, error) {
	if text == windowAlways {
		text = ""
	}
	return restart.ParseWindow(text)
}

// limits are those of the configuration.
func (r restartConfig) limits() (restart.Limits, error) {
	w, err := parseWindow(r.Window)
	shutdown := cmp.Or(r.ShutdownTimeout, defaultShutdown)
	return restart.Limits{
		PerHost:     cmp.Or(r.MaxPerHost, defaultPerHost),
		Unavailable: cmp.Or(r.MaxUnavailable, defaultUnavailable),
		StopAfter:   r.stopAfter(),
		Window:      w,
		Expect:      restart.Estimate{Default: cmp.Or(r.Expected, shutdown+cmp.Or(r.HealthTimeout, defaultHealth)+time.Minute)},
	}, err
}

// steady is how long a guest is watched after its start: 0 is what rename has as
// a rule. It is a variable for tests, whose guests have nothing to show.
var steady time.Duration

// restartOptions are those of the configuration: Nova starts the guests where
// its API can be asked to.
func (c config) restartOptions() restart.Options {
	by := restart.ByLibvirt
	if c.Cloud != "" {
		by = restart.ByNova
	}
	health := cmp.Or(c.Restart.HealthTimeout, defaultHealth)
	return restart.Options{
		StartBy:  cmp.Or(restart.StartBy(c.Restart.StartBy), by),
		Shutdown: rename.Shutdown{Deadline: cmp.Or(c.Restart.ShutdownTimeout, defaultShutdown)},
		Resume:   c.Restart.ResumePaused,
		Probes:   c.Restart.Probes,
		Steady:   steady,
		Within:   health,
		Agent:    health,
	}
}
