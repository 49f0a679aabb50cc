package plan

import (
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// node is d as YAML, arranged for reading: what is one thing stands on one
// line, and what a skipped domain does not have is left out.
func (d Domain) node() *yaml.Node {
	n := nodeOf(reflect.ValueOf(d))
	for key, value := range pairs(n) {
		switch key.Value {
		case "flavor":
			value.Style = yaml.FlowStyle
		case "findings", "disks", "probes":
			flowItems(value)
		case "nics":
			flowNIC(value)
		case "placeholder_image":
			value.LineComment = "the project's own, made if there is none"
		}
	}
	if d.Decision == Skip {
		dropEmpty(n)
	}
	return n
}

// pairs goes through the keys and values of a mapping.
func pairs(n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

func flowItems(list *yaml.Node) {
	for _, item := range list.Content {
		item.Style = yaml.FlowStyle
	}
}

func flowNIC(nics *yaml.Node) {
	for _, nic := range nics.Content {
		for key, value := range pairs(nic) {
			if key.Value == "addresses" || key.Value == "security_groups" {
				value.Style = yaml.FlowStyle
			}
			if key.Value == "create_port" {
				value.LineComment = "there is none of this MAC address yet"
			}
		}
	}
}

// dropEmpty takes out keys without a value: they read back as what they are.
func dropEmpty(n *yaml.Node) {
	var kept []*yaml.Node
	for key, value := range pairs(n) {
		if key.Value == "flavor" {
			dropEmpty(value)
		}
		has := len(value.Content) > 0
		if value.Kind == yaml.ScalarNode {
			has = !slices.Contains([]string{"", "0", "false"}, value.Value) || value.Tag == "!!str" && value.Value != ""
		}
		if has {
			kept = append(kept, key, value)
		}
	}
	n.Content = kept
}
