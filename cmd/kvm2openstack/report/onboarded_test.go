package report

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/onboard"
)

// What was worth knowing beforehand is worth knowing afterwards.
func TestOnboardedNotes(t *testing.T) {
	end := OnboardEnd{
		Results: []onboard.Result{{Host: "seven", Name: "kvm07", Outcome: onboard.Undone, Left: []string{"its service stays disabled"}}, {Host: "eight", Name: "kvm08", Outcome: onboard.Half}},
		Judged: []onboard.Assessment{
			{Host: onboard.Host{Name: "eight"}, Verdict: onboard.Verdict{Notes: []string{"drives without a medium: db sda"}}},
			{Host: onboard.Host{Name: "seven"}},
		},
	}
	var text, program bytes.Buffer
	Onboarded(&text, end, Style{})
	if err := OnboardedJSON(&program, end); err != nil {
		t.Fatal(err)
	}
	_, eight, _ := strings.Cut(text.String(), "eight: half done")
	if strings.Count(text.String(), "left ") != 1 || !strings.Contains(text.String(), "its service stays disabled") || strings.Count(program.String(), `"left": []`) != 1 {
		t.Errorf("what is left:\n%s\n%s", text.String(), program.String())
	}
	if strings.Count(text.String(), "note ") != 1 || !strings.Contains(eight, "drives without a medium: db sda") {
		t.Errorf("text:\n%s", text.String())
	}
	if !strings.Contains(program.String(), `"notes": []`) || !strings.Contains(program.String(), `"drives without a medium: db sda"`) {
		t.Errorf("JSON:\n%s", program.String())
	}
}

// What nova-compute has said last is beside the error, line by line.
func TestOnboardedLog(t *testing.T) {
	failed := fmt.Errorf("wait: %w", errors.Join(&onboard.Failure{Err: errors.New("it has ended by itself"), Log: []string{"first \x1b line", "second line"}}, nil))
	end := OnboardEnd{Results: []onboard.Result{{Host: "seven", Outcome: onboard.Half, Err: failed}, {Host: "eight", Outcome: onboard.Half, Err: errors.New("other")}}}
	var text, program bytes.Buffer
	Onboarded(&text, end, Style{})
	if err := OnboardedJSON(&program, end); err != nil {
		t.Fatal(err)
	}
	if strings.Count(text.String(), "its log") != 1 || !strings.Contains(text.String(), "\n               second line\n") || strings.Contains(text.String(), "\x1b") {
		t.Errorf("text:\n%s", text.String())
	}
	if strings.Count(program.String(), `"log": [`) != 1 || !strings.Contains(program.String(), `"second line"`) {
		t.Errorf("JSON:\n%s", program.String())
	}
}
