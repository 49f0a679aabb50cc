package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"text/template"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/sync"
)

// Schema is the version of the message's shape; fields are only added.
const Schema = "kvm2openstack.notify/1"

// most is how many drifts a message has: a receiver may refuse a long one.
const most = 100

// A Message tells of drifts that nobody was told of before.
type Message struct {
	Schema  string            `json:"schema"`
	At      time.Time         `json:"at"`
	Summary string            `json:"summary"`           // of the run, on one line
	Stopped string            `json:"stopped,omitempty"` // why nothing may be healed
	New     []Drift           `json:"new"`               // at most 100
	More    int               `json:"more"`              // that are not listed
	Counts  map[sync.Code]int `json:"counts"`            // of all drifts that there are
}

// A Drift is one with its explanation.
type Drift struct {
	sync.Drift
	Title  string `json:"title"`
	Action string `json:"action"`
}

// About makes the message of a run.
func About(r sync.Result, fresh []sync.Drift) Message {
	m := Message{Schema: Schema, At: r.At, Summary: r.String(), Stopped: r.Stopped, New: []Drift{}, Counts: map[sync.Code]int{}}
	for _, d := range r.Drifts {
		m.Counts[d.Code]++
	}
	for _, d := range fresh {
		if len(m.New) == most {
			m.More++
			continue
		}
		m.New = append(m.New, Drift{Drift: d, Title: d.Code.Title(), Action: d.Code.Action()})
	}
	return m
}

// sample is a message to try a template with.
func sample() Message {
	d := sync.Drift{Code: sync.PowerDiffers, Host: "kvm01", Domain: `web "1"`, UUID: "1e6ac700-0000-4000-8000-000000000001", Text: "a\nb", Heal: "power", New: true}
	return About(sync.Result{Drifts: []sync.Drift{d}, Stopped: "a reason"}, []sync.Drift{d})
}

// body is a message as it is sent. What a template makes has to be JSON.
func (c Config) body(m Message) ([]byte, error) {
	if c.Template == "" {
		return json.Marshal(m)
	}
	t, err := template.New("notify").Option("missingkey=error").Funcs(template.FuncMap{"json": asJSON}).Parse(c.Template)
	if err != nil {
		return nil, fmt.Errorf("notify: template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, m); err != nil {
		return nil, fmt.Errorf("notify: template: %w", err)
	}
	if !json.Valid(out.Bytes()) {
		return nil, fmt.Errorf("notify: template: what it makes is no JSON; {{json .Summary}} writes a text with its quotes")
	}
	return out.Bytes(), nil
}

// asJSON is for templates: a text, or anything, as JSON.
func asJSON(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}
