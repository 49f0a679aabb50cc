package discover

import (
	"encoding/xml"
	"errors"
	"fmt"
)

// A networkDefinition is what an interface needs of a libvirt network.
type networkDefinition struct {
	Name    string
	Bridge  string
	Forward string // nat, route, bridge, open, ...; "" = isolated
}

// parseNetwork reads a network's definition (virNetworkGetXMLDesc).
func parseNetwork(doc []byte) (networkDefinition, error) {
	var in struct {
		XMLName xml.Name `xml:"network"`
		Name    string   `xml:"name"`
		Bridge  struct {
			Name string `xml:"name,attr"`
		} `xml:"bridge"`
		Forward *struct {
			Mode string `xml:"mode,attr"`
		} `xml:"forward"`
	}
	if err := refuse(doc); err != nil {
		return networkDefinition{}, fmt.Errorf("read network: %w", err)
	}
	if err := xml.Unmarshal(doc, &in); err != nil {
		return networkDefinition{}, fmt.Errorf("read network: %w", err)
	}
	if in.Name == "" {
		return networkDefinition{}, errors.New("read network: it has no <name>")
	}
	n := networkDefinition{Name: in.Name, Bridge: in.Bridge.Name}
	if in.Forward != nil {
		n.Forward = orElse(in.Forward.Mode, "nat") // libvirt's default
	}
	return n, nil
}

// setNetworks resolves the networks that d's interfaces name. What is not
// among them stays "unknown".
func (d *Domain) setNetworks(known map[string]networkDefinition) {
	for i := range d.Interfaces {
		n := &d.Interfaces[i]
		if def, ok := known[n.Network]; ok && n.Type == "network" {
			n.NetworkForward = def.Forward
			n.NetworkBridge = orElse(def.Bridge, n.NetworkBridge)
		}
	}
}
