package importer

import (
	"context"
	"fmt"
	"sync"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
)

// files compares the two names of disks and EFI variables.
func (v verification) files(ctx context.Context, items batch, said map[string][]Finding) {
	var here batch
	for _, it := range items {
		if !it.gone() && v.unread[it.host.Name] == nil {
			here = append(here, it)
		}
	}
	results := newGathered()
	errs := look(ctx, v.Hosts, here, func(ctx context.Context, view View, it *item) {
		it.id.Name = v.names[it.uuid()]
		want, regenerated := it.wants(), v.regenerated(it)
		links, err := view.Compare(ctx, want)
		if err != nil {
			results.add(it.uuid(), err.Error())
		}
		if e := links[want.Variables.Link()]; e != "" && e != instancedir.SameFile && !regenerated { // Later they are Nova's to make anew.
			results.add(it.uuid(), fmt.Sprintf("EFI variables %s and %s: %s", want.Variables.From, want.Variables.Link().To, e))
		}
		for _, l := range want.Links {
			switch e := links[l]; {
			case e == "" || e == instancedir.SameFile || e == instancedir.LooksSame:
			case e == instancedir.LegacyGone && regenerated: // Somebody has tidied up; the link is the disk.
			default:
				results.add(it.uuid(), fmt.Sprintf("disk %s and %s: %s", l.From, l.To, e))
			}
		}
	})
	for _, it := range here {
		if err := errs[it.host.Name]; err != nil {
			results.add(it.uuid(), err.Error())
		}
		for _, text := range append(results.of(it.uuid()), v.formats(it)...) {
			said[it.uuid()] = append(said[it.uuid()], Finding{Code: "V25", Text: text, Action: actions["V25"]})
		}
	}
}

// regenerated: the domain runs under the name that Nova gave it.
func (v verification) regenerated(it *item) bool {
	return v.names[it.uuid()] != "" && v.found[it.host.Name+"\x00"+it.uuid()].Name == v.names[it.uuid()]
}

// formats compares what the definition says of the disks with what Nova's
// regeneration would say.
func (v verification) formats(it *item) (texts []string) {
	byTarget := map[string]discover.Disk{}
	for _, k := range v.found[it.host.Name+"\x00"+it.uuid()].Disks {
		byTarget[k.Target] = k
	}
	for _, k := range it.planned.Disks {
		if have := byTarget[k.Target].Format; have != "" && have != k.Format {
			texts = append(texts, fmt.Sprintf("disk %s has format %s, planned as %s", k.Target, have, k.Format))
		}
	}
	return texts
}

// gathered are texts by UUID, from several goroutines.
type gathered struct {
	mu    sync.Mutex
	texts map[string][]string
}

func newGathered() *gathered { return &gathered{texts: map[string][]string{}} }

func (g *gathered) add(uuid, text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.texts[uuid] = append(g.texts[uuid], text)
}

func (g *gathered) of(uuid string) []string { return g.texts[uuid] }
