package nova

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Server is a live instance as the cloud's own dashboard shows it.
type Server struct {
	UUID         string
	InstanceName string // "" when the name template cannot be used
	DisplayName  string
	Hostname     string
	ProjectID    string
	UserID       string

	Cell             string // name
	Host             string // "" while half written
	Node             string
	AvailabilityZone string

	VMState    string
	TaskState  string // "" for none
	PowerState int

	VCPUs       int
	MemoryMB    int
	RootGB      int
	EphemeralGB int

	NICModel string          // of its interfaces, as the next regeneration makes them; "" is Nova's default
	Networks []ServerNetwork // in the order of the interfaces
	// NetworksProblem says why the info cache cannot be read; Nova itself
	// would fail on it.
	NetworksProblem string

	Locked   bool
	LockedBy string // admin, owner
	Created  time.Time
	Updated  time.Time // when its row was changed last; the zero time for never
}

// A ServerNetwork is one interface of a Server.
type ServerNetwork struct {
	Name      string // label of the network
	MAC       string
	PortID    string
	VIFType   string
	Addresses []string

	// The rest of what Neutron says of the port, each in words that are the
	// same where the facts are.
	Floating []string // "203.0.113.7 for 10.0.0.5"
	Routes   []string // "198.51.100.0/24 by 10.0.0.9"
	Modes    []string // "2001:db8::/64 slaac"
	Profile  string   // JSON with sorted keys; "" for none
}

// DiskGB is what the flavor gives: the root disk and all others.
func (s Server) DiskGB() int { return s.RootGB + s.EphemeralGB }

// Size reads like 8 VCPU 24GB RAM 300GB disk.
func (s Server) Size() string {
	ram := fmt.Sprintf("%dMB", s.MemoryMB)
	if s.MemoryMB%1024 == 0 {
		ram = fmt.Sprintf("%dGB", s.MemoryMB/1024)
	}
	return fmt.Sprintf("%d VCPU %s RAM %dGB disk", s.VCPUs, ram, s.DiskGB())
}

// AddressText reads like "private=10.0.0.5; public=192.0.2.7, 2001:db8::7".
func (s Server) AddressText() string {
	by := map[string][]string{}
	for _, n := range s.Networks {
		by[n.Name] = append(by[n.Name], n.Addresses...)
	}
	var parts []string
	for name, addresses := range by {
		parts = append(parts, name+"="+strings.Join(addresses, ", "))
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}

// PowerText is the power state in the dashboard's words.
func (s Server) PowerText() string {
	switch s.PowerState {
	case PowerRunning:
		return "Running"
	case PowerPaused:
		return "Paused"
	case PowerShutdown:
		return "Shut Down"
	case PowerCrashed:
		return "Crashed"
	case PowerSuspended:
		return "Suspended"
	default:
		return "No State"
	}
}

// Status is what the API calls the pair of states (nova/api/openstack/common.py,
// _STATE_MAP).
func (s Server) Status() string {
	switch {
	case s.VMState == "active" && strings.HasSuffix(s.TaskState, "_hard") && strings.HasPrefix(s.TaskState, "reboot"):
		return "HARD_REBOOT"
	case s.VMState == "active" && strings.HasPrefix(s.TaskState, "reboot"):
		return "REBOOT"
	case s.VMState == "active" && s.TaskState == "updating_password":
		return "PASSWORD"
	case (s.VMState == "active" || s.VMState == "paused") && s.TaskState == "migrating":
		return "MIGRATING"
	case (s.VMState == "active" || s.VMState == "stopped") && strings.HasPrefix(s.TaskState, "resize_"):
		return "RESIZE"
	case slices.Contains([]string{"active", "stopped", "error"}, s.VMState) && strings.HasPrefix(s.TaskState, "rebuild"):
		return "REBUILD"
	case s.VMState == "resized" && s.TaskState == "resize_reverting":
		return "REVERT_RESIZE"
	}
	if status, ok := statuses[s.VMState]; ok {
		return status
	}
	return "UNKNOWN"
}

var statuses = map[string]string{
	"active": "ACTIVE", "building": "BUILD", "stopped": "SHUTOFF", "resized": "VERIFY_RESIZE", "paused": "PAUSED",
	"suspended": "SUSPENDED", "rescued": "RESCUE", "error": "ERROR", "deleted": "DELETED", "soft-delete": "SOFT_DELETED",
	"shelved": "SHELVED", "shelved_offloaded": "SHELVED_OFFLOADED",
}

// cachedVIF is the part of an info cache entry that we look at.
type cachedVIF struct {
	ID      string `json:"id"`
	Address string `json:"address"`
	Type    string `json:"type"`
	Network struct {
		ID      string         `json:"id"`
		Label   string         `json:"label"`
		Subnets []cachedSubnet `json:"subnets"`
	} `json:"network"`
	Profile          json.RawMessage `json:"profile"`
	PreserveOnDelete bool            `json:"preserve_on_delete"`
}

type cachedSubnet struct {
	CIDR string `json:"cidr"`
	IPs  []struct {
		Address  string     `json:"address"`
		Floating []cachedIP `json:"floating_ips"`
	} `json:"ips"`
	Routes []struct {
		CIDR    string   `json:"cidr"`
		Gateway cachedIP `json:"gateway"`
	} `json:"routes"`
	Meta struct {
		Mode string `json:"ipv6_address_mode"`
	} `json:"meta"`
}

type cachedIP struct {
	Address string `json:"address"`
}

// parseNetworkInfo reads instance_info_caches.network_info. JSON null is an
// error, as it is for Nova; an empty text is an empty list.
func parseNetworkInfo(text string) ([]cachedVIF, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var vifs []cachedVIF
	if err := json.Unmarshal([]byte(text), &vifs); err != nil {
		return nil, fmt.Errorf("the info cache is no list of interfaces: %w", err)
	}
	if vifs == nil {
		return nil, fmt.Errorf("the info cache is null, which Nova cannot read")
	}
	return vifs, nil
}

// network turns a cache entry into what a person looks for.
func (v cachedVIF) network() ServerNetwork {
	n := ServerNetwork{Name: v.Network.Label, MAC: v.Address, PortID: v.ID, VIFType: v.Type, Profile: sortedObject(v.Profile)}
	for _, s := range v.Network.Subnets {
		for _, ip := range s.IPs {
			n.Addresses = append(n.Addresses, ip.Address)
			for _, f := range ip.Floating {
				n.Floating = append(n.Floating, f.Address+" for "+ip.Address)
			}
		}
		for _, r := range s.Routes {
			n.Routes = append(n.Routes, r.CIDR+" by "+r.Gateway.Address)
		}
		if s.Meta.Mode != "" {
			n.Modes = append(n.Modes, s.CIDR+" "+s.Meta.Mode)
		}
	}
	return n
}

// sortedObject is a JSON object in the one order that equal ones have, "" for
// an empty one.
func sortedObject(raw json.RawMessage) string {
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&object) != nil || len(object) == 0 {
		return ""
	}
	text, err := json.Marshal(object)
	if err != nil {
		return ""
	}
	return string(text)
}

// Cached is what an info cache has of the port once it is written.
func (p Port) Cached() (ServerNetwork, error) {
	text, err := NetworkInfo([]Port{p})
	if err != nil {
		return ServerNetwork{}, err
	}
	vifs, err := parseNetworkInfo(text)
	if err != nil {
		return ServerNetwork{}, err
	}
	return vifs[0].network(), nil
}
