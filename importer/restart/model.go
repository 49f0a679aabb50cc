package restart

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// recordModel keeps in the journal which model of interfaces Nova's records have
// from now on: what verify and sync compare with, whatever the plan says.
func (w *walk) recordModel(model string) func(*journal.Tx) error {
	return func(tx *journal.Tx) error {
		text, err := withModel(w.job.Adoption.Plan, model)
		if err != nil || text == w.job.Adoption.Plan {
			return err
		}
		return tx.SetPlans(map[string]string{w.job.uuid(): text})
	}
}

// withModel is an adoption's plan with another model, and everything else in it
// as it was, known here or not.
func withModel(text, model string) (string, error) {
	var snippet struct {
		Domain struct {
			NICModel string `yaml:"nic_model"`
		} `yaml:"domain"`
	}
	var doc yaml.Node
	for _, into := range []any{&snippet, &doc} {
		if err := yaml.Unmarshal([]byte(text), into); err != nil {
			return "", fmt.Errorf("read the journal's plan: %w", err)
		}
	}
	if snippet.Domain.NICModel == model {
		return text, nil
	}
	domain := child(&doc, "domain")
	if domain == nil {
		return "", errors.New("read the journal's plan: it has no domain")
	}
	if value := child(domain, "nic_model"); value != nil {
		value.SetString(model)
	} else {
		domain.Content = append(domain.Content, scalar("nic_model"), scalar(model))
	}
	changed, err := yaml.Marshal(&doc)
	return string(changed), err
}

// child is the value of a key, nil where there is none.
func child(of *yaml.Node, key string) *yaml.Node {
	if of.Kind == yaml.DocumentNode { // with its one node
		of = of.Content[0]
	}
	for n := 0; n+1 < len(of.Content); n += 2 {
		if of.Content[n].Value == key {
			return of.Content[n+1]
		}
	}
	return nil
}

func scalar(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	return n
}
