package main

import (
	"fmt"
	"strings"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/onboard"
)

// print ends a run that has only looked.
func (o *onboardOptions) print(a *app, all []onboard.Assessment) error {
	if o.output == "json" {
		if err := report.OnboardJSON(a.out, all); err != nil {
			return err
		}
		return status(onboardStatus(all))
	}
	report.Onboard(a.out, all, a.style())
	if names := ourNames(all); len(names) > 0 {
		fmt.Fprintf(a.out, "next: %s\n", o.next(a, names))
	}
	return status(onboardStatus(all))
}

// next is the command that does it.
func (o *onboardOptions) next(a *app, names []string) string {
	words := []string{"kvm2openstack onboard"}
	if a.configFile != "" {
		words = append(words, "--config", a.configFile)
	}
	if o.inventory != "" {
		words = append(words, "--inventory", o.inventory)
	}
	if o.way != string(onboard.ByFirstStart) {
		words = append(words, "--way", o.way)
	}
	if o.cell != "" {
		words = append(words, "--cell", o.cell)
	}
	if o.insecure {
		words = append(words, "--insecure")
	}
	for i, w := range words[1:] {
		words[i+1] = check.Shell(w)
	}
	for _, n := range names {
		words = append(words, check.Shell(n))
	}
	return report.Line(strings.Join(append(words, "--apply"), " "))
}

// onboardStatus: what onboarding is the remedy for asks for attention, and
// everything else is for a person.
func onboardStatus(all []onboard.Assessment) int {
	worst := exitClean
	for _, one := range all {
		switch {
		case one.Verdict.Ours():
			worst = max(worst, exitAttention)
		case len(one.Verdict.Problems) > 0:
			worst = max(worst, exitBlocked)
		}
	}
	return worst
}

// ourNames are the hosts that onboarding is the remedy for.
func ourNames(all []onboard.Assessment) (names []string) {
	for _, one := range all {
		if one.Verdict.Ours() {
			names = append(names, one.Host.Name)
		}
	}
	return names
}

// conclude prints what became of every host.
func (o *onboardOptions) conclude(a *app, end report.OnboardEnd, closed error) error {
	if o.output == "json" {
		if err := report.OnboardedJSON(a.out, end); err != nil {
			return err
		}
	} else {
		report.Onboarded(a.out, end, a.style())
		a.adviceOn(end.Results)
	}
	code := max(resultStatus(end.Results), onboardStatus(end.Others), touchedStatus(end.Touched))
	if closed != nil {
		return statusError{status: max(code, exitBlocked), err: closed}
	}
	return status(code)
}

// adviceOn prints what can be done about the failures, each advice once.
func (a *app) adviceOn(results []onboard.Result) {
	said := map[string]bool{}
	for _, r := range results {
		if text := advice(r.Err); text != "" && !said[text] {
			said[text] = true
			fmt.Fprintf(a.out, "try: %s\n", text)
		}
	}
}

func resultStatus(results []onboard.Result) int {
	worst := exitClean
	for _, r := range results {
		switch r.Outcome {
		case onboard.Half:
			worst = max(worst, exitPerson)
		case onboard.NotTried:
			worst = max(worst, exitBlocked)
		}
	}
	return worst
}

func touchedStatus(touched []string) int {
	if len(touched) > 0 {
		return exitAttention
	}
	return exitClean
}
