package onboard

import (
	"context"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

const (
	mine, foreign, stray = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002", "cccccccc-0000-4000-8000-000000000003"
	cell1                = "11111111-1111-4111-8111-111111111111"
)

// A case is a host and its cloud.
type situation struct {
	h Host
	c Cloud
}

// sound is a host of 2025.1 with guests that Nova knows, and of which all is as
// it should be.
func sound() *situation {
	return &situation{
		Host{
			Name: "seven", Libvirt: "kvm07.example.org", System: "kvm07", Domains: 3, Running: 2,
			Conf:   NovaConf{Paths: []string{"/etc/nova/nova.conf"}, Host: "kvm07"},
			Files:  []IdentityFile{{"/var/lib/nova/compute_id", mine}},
			Guests: map[string]string{"g1": "web, running", "g2": "db, running", "g3": "old, shutoff"},
		},
		Cloud{
			Release: nova.Release{Name: "2025.1", Major: 31},
			Records: nova.HostRecords{
				Services: []nova.HostService{
					{ID: 1, UUID: "s1", Host: "kvm01", Cell: cell1, CellName: "cell1", Version: 68, Up: true},
					{ID: 2, UUID: "s2", Host: "kvm07", Cell: cell1, CellName: "cell1", Version: 68, Up: true},
				},
				Nodes: []nova.HostNode{
					{ID: 1, UUID: foreign, Host: "kvm01", Name: "kvm01.example.org", Cell: cell1, CellName: "cell1"},
					{ID: 2, UUID: mine, Host: "kvm07", Name: "kvm07.example.org", Cell: cell1, CellName: "cell1"},
				},
				Mappings: []nova.HostMapping{
					{ID: 1, Host: "kvm01", Cell: cell1, CellName: "cell1"}, {ID: 2, Host: "kvm07", Cell: cell1, CellName: "cell1"},
				},
				Conductors: map[string]int{cell1: 68},
			},
			Providers: []cloud.Provider{{UUID: foreign, Name: "kvm01.example.org"}, {UUID: mine, Name: "kvm07.example.org"}},
			Presence: map[string]nova.Presence{
				"g1": {Live: true, Host: "kvm07"}, "g2": {Live: true, Host: "KVM07"}, "g3": {Live: true, Host: "kvm07", Shadow: true},
			},
		},
	}
}

// fresh makes it one that Nova has never seen.
func (s *situation) fresh() {
	s.h.Files, s.c.Presence = []IdentityFile{}, map[string]nova.Presence{}
	r := &s.c.Records
	r.Services, r.Nodes, r.Mappings, s.c.Providers = r.Services[:1], r.Nodes[:1], r.Mappings[:1], s.c.Providers[:1]
}

// empty takes its domains away.
func (s *situation) empty() { s.fresh(); s.h.Domains, s.h.Running, s.h.Guests = 0, 0, nil }

func (s *situation) says(id string) { s.h.Files = []IdentityFile{{"/var/lib/nova/compute_id", id}} }

// onBase has two guests rest on Nova's image cache.
func (s *situation) onBase() {
	s.h.Bases = []Drive{{Domain: "db", Target: "vda", Image: "x"}, {Domain: "old", Target: "vda", Image: "x"}}
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*situation)
		want   Answer
		kind   Kind // of the first problem, "" without
		reason string
		ours   bool
	}{
		"sound":                         {func(*situation) {}, Accepted, "", "compute node " + mine, false},
		"first start with domains":      {(*situation).fresh, Refused, FirstStart, `no nova-compute of host "kvm07", and libvirt has 3 domains`, true},
		"2023.2 refuses no first start": {func(s *situation) { s.fresh(); s.c.Release.Major = 28 }, Accepted, "", "first start", false},
		"2024.1 does":                   {func(s *situation) { s.fresh(); s.c.Release.Major = 29 }, Refused, FirstStart, "3 domains", true},
		"first start of an empty host":  {(*situation).empty, Accepted, "", "first start", false},
		"a node without a service":      {func(s *situation) { s.c.Records.Services[1].Deleted = true }, Refused, FirstStart, "no nova-compute of host", true},
		"a deleted node is nobody's":    {func(s *situation) { s.fresh(); s.c.Records.Nodes[0].Deleted = true; s.says(foreign) }, Refused, FirstStart, "3 domains", true},

		// Names.
		"inventory and nova.conf differ": {func(s *situation) { s.h.Wanted = "kvm7" }, Refused, NamesDiffer, "inventory says compute_host: kvm7, and nova-compute of this host will call itself kvm07 ([DEFAULT] host in /etc/nova/nova.conf)", false},
		"nova.conf and services differ":  {func(s *situation) { s.h.Conf.Host = "kvm07.example.org" }, Refused, NamesDiffer, "call itself kvm07.example.org ([DEFAULT] host in /etc/nova/nova.conf), libvirt calls it kvm07.example.org, and Nova knows it as kvm07", false},
		"nova.conf names something else": {func(s *situation) { s.h.Conf.Host = "compute-a" }, Refused, NamesDiffer, "and Nova knows it as kvm07 (a node of this name", false},
		"a service without a node":       {func(s *situation) { s.c.Records.Nodes[1].Deleted = true; s.h.Conf.Host = "kvm07.example.org" }, Refused, NamesDiffer, "Nova knows it as kvm07 (service s2)", false},
		"a namesake in another domain": {func(s *situation) {
			s.fresh()
			s.empty()
			s.h.Conf.Host, s.h.Libvirt = "kvm01.b.org", "kvm01.b.org"
			s.c.Records.Services[0].Host = "kvm01.a.org"
		}, Accepted, "", "first start", false},
		"a name that begins alike":       {func(s *situation) { s.empty(); s.h.Conf.Host, s.h.Libvirt = "kvm0", "kvm0" }, Accepted, "", "first start", false},
		"no host in nova.conf":           {func(s *situation) { s.h.Conf.Host = "" }, Accepted, "", mine, false},
		"no host there, another system":  {func(s *situation) { s.h.Conf.Host, s.h.System = "", "kvm7"; s.h.Wanted = "kvm07" }, Refused, NamesDiffer, "its nova.conf has no [DEFAULT] host, so the system's name counts", false},
		"libvirt calls it otherwise now": {func(s *situation) { s.h.Libvirt = "kvm7" }, Refused, Renamed, "node of it is called kvm07.example.org, and libvirt calls it kvm7", false},
		"nova.conf not read":             {func(s *situation) { s.h.Conf, s.h.Wanted = NovaConf{}, "kvm07" }, Accepted, "", mine, false},

		// compute_id.
		"of another host":              {func(s *situation) { s.says(foreign) }, Refused, ForeignIdentity, `that is the node kvm01.example.org of host "kvm01"`, false},
		"of another host, first start": {func(s *situation) { s.fresh(); s.says(foreign) }, Refused, ForeignIdentity, `of host "kvm01"`, false},
		"of another host, empty host":  {func(s *situation) { s.empty(); s.says(foreign) }, Refused, ForeignIdentity, `of host "kvm01"`, false},
		"Zed knows none":               {func(s *situation) { s.says(foreign); s.c.Release.Major = 26 }, Accepted, "", mine, false},
		"of nobody":                    {func(s *situation) { s.says(stray) }, Refused, OtherIdentity, "says " + stray + ", and Nova's node of it is " + mine, false},
		"of nobody, first start":       {func(s *situation) { s.fresh(); s.says(stray) }, Refused, FirstStart, "3 domains", true},
		"lost":                         {func(s *situation) { s.h.Files = []IdentityFile{} }, Refused, LostIdentity, "its node is " + mine, false},
		"never had, older service":     {func(s *situation) { s.h.Files = []IdentityFile{}; s.c.Records.Services[1].Version = 64 }, Accepted, "", mine, false},
		"in a container, perhaps": {func(s *situation) {
			s.h.Files, s.h.Conf, s.h.Wanted = []IdentityFile{}, NovaConf{}, "kvm07"
		}, Uncertain, Unread, "neither a configuration file of nova-compute nor a compute_id was found on the host", false},
		"not looked at":                  {func(s *situation) { s.h.Files = nil }, Uncertain, Unread, "compute_id was not read", false},
		"no UUID":                        {func(s *situation) { s.says("") }, Refused, BadIdentity, "/var/lib/nova/compute_id holds no UUID", false},
		"two that differ":                {func(s *situation) { s.h.Files = append(s.h.Files, IdentityFile{"/etc/nova/compute_id", stray}) }, Refused, BadIdentity, "/etc/nova/compute_id says " + stray, false},
		"two that agree":                 {func(s *situation) { s.h.Files = append(s.h.Files, IdentityFile{"/etc/nova/compute_id", mine}) }, Accepted, "", mine, false},
		"a service that has no node yet": {func(s *situation) { s.c.Records.Nodes = s.c.Records.Nodes[:1] }, Accepted, "", "compute node to come", false},

		// Placement.
		"leftover provider": {func(s *situation) { s.c.Providers[1].UUID = stray }, Useless, LeftProvider, "provider kvm07.example.org, " + stray, false},
		"leftover provider, empty host": {func(s *situation) {
			s.empty()
			s.c.Providers = append(s.c.Providers, cloud.Provider{UUID: mine, Name: s.h.Libvirt})
		}, Useless, LeftProvider, "it has none yet", false},
		"leftover provider of the file's": {func(s *situation) {
			s.empty()
			s.says(mine)
			s.c.Providers = append(s.c.Providers, cloud.Provider{UUID: mine, Name: s.h.Libvirt})
		}, Accepted, "", "first start", false},
		"providers not read": {func(s *situation) { s.c.Providers = nil }, Accepted, "", mine, false},

		// The cloud.
		"upgrade under way": {func(s *situation) {
			s.c.Release.ReadOnly = "services of mixed versions, an upgrade is under way: nova-compute on kvm01 has version 66, nova-conductor on ctl has 68"
		}, Uncertain, MixedVersions, "nova-compute on kvm01 has version 66, nova-conductor on ctl has 68", false},
		"first start in an upgrade": {func(s *situation) { s.fresh(); s.c.Release.ReadOnly = "an upgrade is under way" }, Uncertain, MixedVersions, "upgrade", false},
		"release unknown":           {func(s *situation) { s.c.Release = nova.Release{ReadOnly: "revision x is not one of a known release"} }, Uncertain, UnknownRelease, "revision x", false},
		"databases of two releases": {func(s *situation) { s.c.Release.ReadOnly = "cells are of different revisions" }, Uncertain, UnknownRelease, "different revisions", false},
		"disabled cell": {func(s *situation) {
			s.fresh()
			s.c.Closed = []nova.ClosedCell{{ID: 3, UUID: "c2", Name: "cell2", Reason: "cell2: cell is disabled", Disabled: true}}
			s.c.Records.Mappings = append(s.c.Records.Mappings, nova.HostMapping{Host: "kvm07", Cell: "c2", CellName: "cell2", Closed: "is disabled", Disabled: true})
		}, Useless, DisabledCell, "mapped to cell2, and that cell is disabled", false},
		"a cell that does not answer": {func(s *situation) { s.fresh(); s.c.Closed = []nova.ClosedCell{{Name: "cell2", Reason: "refused"}} }, Uncertain, ClosedCell, "cell2 could not be read", false},
		"one, and it is known":        {func(s *situation) { s.c.Closed = []nova.ClosedCell{{Name: "cell2", Reason: "refused"}} }, Accepted, "", mine, false},
		"mapped to no cell":           {func(s *situation) { s.c.Records.Mappings = s.c.Records.Mappings[:1] }, Useless, NotMapped, "mapped to no cell (host_mappings)", true},
		"mapped to another cell":      {func(s *situation) { m := &s.c.Records.Mappings[1]; m.Cell, m.CellName = "c2", "cell2" }, Useless, MappedElsewhere, "mapped to cell2, and its service is in cell1", false},
		"in two cells": {func(s *situation) {
			s.c.Records.Services = append(s.c.Records.Services, nova.HostService{ID: 1, UUID: "s9", Host: "kvm07", Cell: "c2", CellName: "cell2"})
		}, Useless, MappedElsewhere, "a nova-compute in cell1, and one in cell2", false},
		"a disabled cell, and guests": {func(s *situation) {
			s.fresh()
			s.c.Closed = []nova.ClosedCell{{UUID: "c2", Name: "cell2", Disabled: true}}
		}, Uncertain, ClosedCell, "cell2 is disabled and was not looked into: it may have deleted instances", false},
		"a disabled cell, and none":    {func(s *situation) { s.empty(); s.c.Closed = []nova.ClosedCell{{Name: "cell2", Disabled: true}} }, Accepted, "", "first start", false},
		"a disabled cell, all adopted": {func(s *situation) { s.c.Closed = []nova.ClosedCell{{Name: "cell2", Disabled: true}} }, Accepted, "", mine, false},
		"a disabled cell, and another is said": {func(s *situation) {
			s.fresh()
			s.c.Closed, s.c.Cell = []nova.ClosedCell{{Name: "cell2", Disabled: true}}, "cell1"
		}, Refused, FirstStart, "3 domains", true},
		"a disabled cell, and it reports to another": {func(s *situation) {
			delete(s.c.Presence, "g3")
			s.c.Closed = []nova.ClosedCell{{Name: "cell2", Disabled: true}}
		}, Accepted, "", mine, false},
		"a disabled cell, and it does not report": {func(s *situation) {
			delete(s.c.Presence, "g3")
			s.c.Records.Services[1].Up = false
			s.c.Closed = []nova.ClosedCell{{Name: "cell2", Disabled: true}}
		}, Uncertain, ClosedCell, "if the host's transport_url leads to that cell", false},
		"a silent cell, and another is said": {func(s *situation) {
			s.fresh()
			s.c.Closed, s.c.Cell = []nova.ClosedCell{{Name: "cell2", Reason: "refused"}}, "cell1"
		}, Uncertain, ClosedCell, "cell2 could not be read", false},
		"one not adopted, cell silent": {func(s *situation) {
			delete(s.c.Presence, "g3")
			s.c.Closed = []nova.ClosedCell{{Name: "cell2", Reason: "refused"}}
		}, Uncertain, ClosedCell, "or deleted instances of its guests' UUIDs", false},

		// Guests that nova-compute would destroy.
		"a guest that Nova deleted":  {func(s *situation) { s.fresh(); s.c.Presence["g2"] = nova.Presence{Deleted: true} }, Harmful, GuestDeleted, "(K2O-614): db (g2)", false},
		"deleted and made again":     {func(s *situation) { s.c.Presence["g2"] = nova.Presence{Deleted: true, Live: true, Host: "kvm07"} }, Harmful, GuestDeleted, "db (g2)", false},
		"a guest that was evacuated": {func(s *situation) { s.c.Presence["g1"] = nova.Presence{Live: true, Host: "kvm01", Migration: "done"} }, Harmful, GuestLeft, "(K2O-617): web (g1)", false},
		"a migration of nobody's":    {func(s *situation) { s.fresh(); s.c.Presence["g1"] = nova.Presence{Migration: "error"} }, Harmful, GuestLeft, "web (g1)", false},
		"one that came here": {func(s *situation) {
			s.c.Presence["g1"] = nova.Presence{Live: true, Host: "kvm07", Migration: "completed"}
		}, Accepted, "", mine, false},
		"archived ones are no harm": {func(s *situation) { s.fresh(); s.c.Presence["g1"] = nova.Presence{Shadow: true} }, Refused, FirstStart, "3 domains", true},
		"Zed destroys them just as well": {func(s *situation) {
			s.fresh()
			s.c.Release.Major = 26
			s.c.Presence["g2"] = nova.Presence{Deleted: true}
		}, Harmful, GuestDeleted, "db (g2)", false},
		// The image cache.
		"guests on _base":               {func(s *situation) { s.fresh(); s.onBase() }, Harmful, BaseImages, "removes images there that no instance uses: db vda, old vda", false},
		"one of them is adopted":        {func(s *situation) { s.onBase(); delete(s.c.Presence, "g3") }, Harmful, BaseImages, "no instance uses: old vda", false},
		"all are":                       {func(s *situation) { s.onBase() }, Accepted, "", mine, false},
		"_base is kept":                 {func(s *situation) { s.fresh(); s.onBase(); s.h.Conf.KeepsBase = true }, Refused, FirstStart, "3 domains", true},
		"nova.conf not read, and _base": {func(s *situation) { s.fresh(); s.onBase(); s.h.Conf, s.h.Wanted = NovaConf{}, "kvm07" }, Harmful, BaseImages, "/var/lib/nova/instances/_base", false},
		// Dedicated CPUs.
		"CPUs powered down":             {func(s *situation) { s.fresh(); s.h.Conf.PowersDown = true }, Harmful, PowersDown, "cpu_power_management = true", false},
		"powered down, and all adopted": {func(s *situation) { s.h.Conf.PowersDown = true }, Accepted, "", mine, false},
		"powered down, and no guests":   {func(s *situation) { s.empty(); s.h.Conf.PowersDown = true }, Accepted, "", "first start", false},
		"forced down":                   {func(s *situation) { s.c.Records.Services[1].ForcedDown = true }, Useless, ForcedDown, "forced down", false},
		"two nodes": {func(s *situation) {
			s.c.Records.Nodes = append(s.c.Records.Nodes, nova.HostNode{ID: 9, UUID: stray, Host: "kvm07", Name: "old"})
		}, Useless, NodeCount, "2 nodes", false},
		"nova.conf that nobody may read": {func(s *situation) {
			s.h = Look(context.Background(), discover.Inventory{Hostname: "kvm07.example.org", Domains: []discover.Domain{{Name: "web", UUID: "g1"}}},
				fakeFiles{"/etc/nova/nova.conf": "!permission denied", "/etc/nova/nova-compute.conf": "[DEFAULT]\n"}, ConfPlaces())
		}, Uncertain, Unread, "/etc/nova/nova.conf could not be read", false},
		"host does not answer": {func(s *situation) { s.fresh(); s.h.Err = "host seven: no answer" }, Uncertain, Unread, "no answer", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := sound()
			c.change(s)
			got := Judge(s.h, s.c)
			kind := Kind("")
			if len(got.Problems) > 0 {
				kind = got.Problems[0].Kind
			}
			if got.Answer != c.want || kind != c.kind || !strings.Contains(got.Reason, c.reason) || got.Ours() != c.ours {
				t.Errorf("Judge = %s, %q, because %q, ours %v; want %s, %q, because %q, ours %v", got.Answer, kind, got.Reason, got.Ours(), c.want, c.kind, c.reason, c.ours)
			}
			for _, p := range got.Problems {
				if p.Reason == "" || p.Remedy == "" {
					t.Errorf("%s has no reason or no remedy: %+v", p.Kind, p)
				}
			}
		})
	}
}

// Whatever else stands against a host is said together with a first start that
// would be refused, and keeps it from being onboarded.
func TestJudgeSaysAll(t *testing.T) {
	for _, change := range []func(*situation){
		func(s *situation) { s.says(foreign) },
		func(s *situation) {
			s.c.Providers = append(s.c.Providers, cloud.Provider{UUID: stray, Name: s.h.Libvirt})
		},
		func(s *situation) { s.c.Release.ReadOnly = "services of mixed versions, an upgrade is under way" },
		func(s *situation) { s.h.Wanted = "kvm08" },
		func(s *situation) { s.c.Presence["g1"] = nova.Presence{Deleted: true} },
	} {
		s := sound()
		s.fresh()
		change(s)
		v := Judge(s.h, s.c)
		if len(v.Problems) != 2 || !v.Has(FirstStart) || v.Ours() {
			t.Errorf("Judge = %+v, ours %v, want the first start and one thing that is for a person", v.Problems, v.Ours())
		}
	}
}

func TestNotes(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*situation)
		want   string // "" for none
	}{
		"sound":                     {func(*situation) {}, ""},
		"no nova.conf":              {func(s *situation) { s.h.Conf, s.h.Wanted = NovaConf{Err: "permission denied"}, "kvm07" }, "its nova.conf was not read (permission denied), so kvm07 is taken for its name"},
		"no cloud":                  {func(s *situation) { s.c.Providers = nil }, "Placement was not asked"},
		"disabled":                  {func(s *situation) { s.c.Records.Services[1].Disabled = true }, "its service is disabled"},
		"enabled, one not adopted":  {func(s *situation) { delete(s.c.Presence, "g3") }, "1 of its 3 guests are not adopted, and its service is enabled: the scheduler takes their room for free. Until they are: openstack --os-compute-api-version 2.53 compute service set --disable"},
		"disabled, one not adopted": {func(s *situation) { delete(s.c.Presence, "g3"); s.c.Records.Services[1].Disabled = true }, "its service is disabled: the scheduler leaves it alone"},
		"down":                      {func(s *situation) { s.c.Records.Services[1].Up = false }, "it is down"},
		"deleted":                   {func(s *situation) { s.c.Records.Services[1].Deleted = true }, "Nova had a service of it"},
		"overfilled on Zed":         {func(s *situation) { s.fresh(); s.c.Release.Major = 26 }, "compute service set --disable kvm07"},
		"empty drives":              {func(s *situation) { s.h.Empty = []Drive{{Domain: "db", Target: "sda"}} }, "drives without a medium: db sda."},
		"many of them":              {func(s *situation) { s.h.Empty = make([]Drive, 7) }, "and 2 more"},
		"disabled cell":             {func(s *situation) { s.c.Closed = []nova.ClosedCell{{Name: "cell2", Disabled: true}} }, "cell2 is disabled and was not looked into"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sound()
			c.change(s)
			got := strings.Join(Judge(s.h, s.c).Notes, "\n")
			if !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
				t.Errorf("notes are %q, want %q", got, c.want)
			}
		})
	}
}
