package report

import (
	"io"

	"github.com/lightcloud/kvm2openstack/importer/restart"
	"github.com/lightcloud/kvm2openstack/rename"
)

// RestartSchema names the shape that RestartJSON prints.
const RestartSchema = "kvm2openstack.restart/1"

// A restartResult is a result as JSON has it, with durations in seconds.
type restartResult struct {
	Host         string          `json:"host"`
	Domain       string          `json:"domain"`
	UUID         string          `json:"uuid"`
	DisplayName  string          `json:"display_name"`
	InstanceName string          `json:"instance_name,omitempty"`
	Outcome      restart.Outcome `json:"outcome"`
	Step         string          `json:"step,omitempty"`
	Reason       string          `json:"reason,omitempty"`
	Warnings     []string        `json:"warnings,omitempty"`
	Seconds      restartSeconds  `json:"seconds"`
	Presses      int             `json:"presses,omitempty"`
	Health       []healthAnswer  `json:"health,omitempty"`
}

type restartSeconds struct {
	Shutdown float64 `json:"shutdown"`
	Gap      float64 `json:"gap"`
	Start    float64 `json:"start"`
	Boot     float64 `json:"boot"`
	Down     float64 `json:"down"`
	Total    float64 `json:"total"`
}

type healthAnswer struct {
	Asked   string  `json:"asked"`
	OK      bool    `json:"ok"`
	Said    string  `json:"said"`
	Seconds float64 `json:"seconds"`
}

// RestartJSON prints the same as RestartTable for programs.
func RestartJSON(w io.Writer, results []restart.Result) error {
	counts := map[restart.Outcome]int{}
	rows := make([]restartResult, len(results))
	for n, r := range results {
		counts[r.Outcome]++
		rows[n] = restartJSON(r)
	}
	return indented(w, struct {
		Schema  string                  `json:"schema"`
		Results []restartResult         `json:"results"`
		Totals  map[restart.Outcome]int `json:"totals"`
	}{RestartSchema, rows, counts})
}

func restartJSON(r restart.Result) restartResult {
	t := r.Times
	return restartResult{
		Host: r.Host, Domain: r.Domain, UUID: r.UUID, DisplayName: r.DisplayName, InstanceName: r.InstanceName,
		Outcome: r.Outcome, Step: r.Step, Reason: r.Reason, Warnings: r.Warnings, Presses: t.Presses,
		Seconds: restartSeconds{
			t.Shutdown.Seconds(), t.Gap.Seconds(), t.Start.Seconds(), t.Boot.Seconds(), t.Down.Seconds(), t.Total.Seconds(),
		},
		Health: answers(r.Health),
	}
}

func answers(health []rename.Answer) (list []healthAnswer) {
	for _, a := range health {
		list = append(list, healthAnswer{a.Asked, a.OK, a.Said, a.Took.Seconds()})
	}
	return list
}
