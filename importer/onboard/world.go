package onboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A standing is how a host stands in Nova and Placement.
type standing struct {
	service  nova.HostService // the zero service without one
	node     nova.HostNode    // the zero node without exactly one
	mapping  nova.HostMapping
	mapped   bool
	provider cloud.Provider

	conductor int // version of the nova-conductor of the service's cell, 0 when none has reported
}

// look asks how the host stands.
func (w *work) look(ctx context.Context) (s standing, err error) {
	records, err := w.Nova.HostRecordsOf(ctx, w.ComputeHost)
	if err != nil {
		return s, err
	}
	c := Cloud{Records: records}
	s.service, _ = c.service(w.ComputeHost)
	s.conductor = records.Conductors[s.service.Cell]
	s.node = c.node(w.ComputeHost)
	s.mapping, s.mapped = c.mapping(w.ComputeHost)
	if s.node.Name == "" {
		return s, nil
	}
	c.Providers, err = w.API.HostProviders(ctx, s.node.Name)
	s.provider, _ = c.provider(s.node.Name)
	return s, err
}

// complete: node and provider are one, and Placement knows what there is.
func (s standing) complete() bool {
	return s.node.UUID != "" && strings.EqualFold(s.provider.UUID, s.node.UUID) && len(s.lacking()) == 0
}

// disabled: until somebody enables it. nova-compute itself enables what it has
// disabled.
func (s standing) disabled() bool {
	return s.service.Disabled && !strings.HasPrefix(s.service.Reason, "AUTO:")
}

// lacking are the inventories that the provider is still to get: CPUs, shared or
// dedicated, and memory. Nova reports all at once, and DISK_GB never where a
// provider of shared storage has it.
func (s standing) lacking() (names []string) {
	if s.total("VCPU")+s.total("PCPU") == 0 {
		names = append(names, "VCPU")
	}
	if s.total("MEMORY_MB") == 0 {
		names = append(names, "MEMORY_MB")
	}
	return names
}

func (s standing) total(class string) int { return s.provider.Inventories[class].Total }

// missing says how far nova-compute has come.
func (s standing) missing() string {
	switch {
	case s.service.UUID == "":
		return "there is no service of it in Nova"
	case s.node.UUID == "":
		return "its service is there, and has no compute node"
	case s.provider.UUID == "":
		return "its compute node is there, and has no resource provider in Placement"
	case !strings.EqualFold(s.provider.UUID, s.node.UUID):
		return fmt.Sprintf("its compute node is %s, and Placement's provider of that name is %s", s.node.UUID, s.provider.UUID)
	}
	if lacking := s.lacking(); len(lacking) > 0 {
		return "its provider has no inventory of " + strings.Join(lacking, ", ")
	}
	return "its records are all there, and it has not reported since it was started"
}

// until looks again and again, until what is wanted is so. The error says how it
// is instead. What is said to be over with an error is not waited for.
func (w *work) until(ctx context.Context, what string, is func(context.Context, standing) (bool, error)) (s standing, err error) {
	end := time.Now().Add(w.Settings.Timeout)
	for {
		if s, err = w.look(ctx); err == nil {
			var ok bool
			if ok, err = is(ctx, s); ok && err == nil {
				return s, nil
			}
			if !ok && err == nil {
				ok, err = w.elsewhere(ctx, s)
			}
			if ok {
				return s, fmt.Errorf("wait until %s: %w", what, err)
			}
		}
		switch {
		case ctx.Err() != nil:
			return s, fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
		case time.Now().After(end) && err != nil:
			return s, fmt.Errorf("wait until %s: %w", what, err)
		case time.Now().After(end):
			return s, fmt.Errorf("wait until %s: %w within %v: %s", what, ErrSilent, w.Settings.Timeout, s.missing())
		}
		select {
		case <-ctx.Done():
		case <-time.After(w.pause()):
		}
	}
}

// identityNow is what the host's compute_id says, "" when there is none.
func (w *work) identityNow(ctx context.Context) (string, error) {
	text, err := w.machine.Read(ctx, w.IdentityFile, 0, identityLength)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	id, err := ParseIdentity(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", w.IdentityFile, err)
	}
	return id, nil
}

// removeIdentity removes a compute_id that is ours, and no other.
func (w *work) removeIdentity(ctx context.Context, ours func(id string) (bool, error)) error {
	id, err := w.identityNow(ctx)
	if err != nil || id == "" {
		return err
	}
	if is, err := ours(id); err != nil {
		return err
	} else if !is {
		return fmt.Errorf("remove %s: %w: it says %s", w.IdentityFile, ErrNotOurs, id)
	}
	return w.machine.Remove(ctx, w.IdentityFile)
}

// A Check is one thing that has to hold of a host that was onboarded.
type Check struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Seen string `json:"seen"`
}

// checks are what a person would look at afterwards.
func (w *work) checks(ctx context.Context) ([]Check, error) {
	s, err := w.look(ctx)
	if err != nil {
		return nil, err
	}
	id, err := w.identityNow(ctx)
	if err != nil {
		return nil, err
	}
	list := []Check{
		{"service is up", s.service.Up, fmt.Sprintf("%s, version %d, last seen %s", cmp.Or(s.service.UUID, "none"), s.service.Version, s.service.Seen.UTC().Format(time.DateTime))},
		{"compute node", s.node.UUID != "", fmt.Sprintf("%s %s", s.node.Name, s.node.UUID)},
		{"compute_id is the node's", w.oldEnough() || s.node.UUID != "" && strings.EqualFold(id, s.node.UUID), cmp.Or(id, "none")},
		{"resource provider", s.provider.UUID != "" && strings.EqualFold(s.provider.UUID, s.node.UUID), s.provider.UUID},
		{"inventories", len(s.lacking()) == 0, s.inventories()},
		{"host mapping", s.mapped && s.mapping.Cell == s.service.Cell, cmp.Or(s.mapping.CellName, "none")},
	}
	if w.Way != "" && s.conductor > 0 {
		list = append(list, Check{"nova-compute is of the cell's release", s.service.Version == s.conductor, fmt.Sprintf("its version is %d, and nova-conductor's is %d", s.service.Version, s.conductor)})
	}
	uncounted, err := w.uncounted(ctx)
	if err != nil {
		return nil, err
	}
	if (w.Way != "" || uncounted) && !w.finished {
		list = append(list, Check{"service is disabled until the guests are adopted", s.service.Disabled, ""})
	}
	return list, nil
}

// oldEnough: the service is of a Nova that has no compute_id.
func (w *work) oldEnough() bool { return w.Way == "" && !w.HadIdentity }

func (s standing) inventories() string {
	var words []string
	for _, class := range []string{"VCPU", "PCPU", "MEMORY_MB", "DISK_GB"} {
		if n := s.total(class); n > 0 {
			words = append(words, fmt.Sprintf("%s %d", class, n))
		}
	}
	if s.provider.UUID != "" && s.total("DISK_GB") == 0 {
		words = append(words, "no DISK_GB (has another provider that shares it? guests with disks on the host cannot be adopted then)")
	}
	return strings.Join(words, ", ")
}
