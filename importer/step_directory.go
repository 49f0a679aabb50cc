package importer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
)

// perHostParallel is how many domains are worked on at a time, and how many
// directories of one host: over SFTP, and to the cloud's APIs, the answers take
// most of the time.
const perHostParallel = 8

// openTimeout bounds the login to a host's files.
const openTimeout = time.Minute

// directoryStep links the disks, and the EFI variables, to where Nova looks for
// them.
type directoryStep struct{ *filesOf }

func (directoryStep) name() string { return stepDirectory }

// directoryOf is the one among the steps: an import and a release have one each.
func directoryOf(steps []step) (files directoryStep) {
	for _, s := range steps {
		if d, ok := s.(directoryStep); ok {
			files = d
		}
	}
	return files
}

// dropFormer ends what a killed release has left to do, before the instance gets
// its new name: the journal has one name of it, and what stood under the former
// one would be found by nobody any more. Its intent is in the journal since then.
func (s directoryStep) dropFormer(ctx context.Context, b batch) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	defer cancel()
	var some batch
	for _, it := range b.going() {
		if it.formerVariables() != (instancedir.Variables{}) {
			some = append(some, it)
		}
	}
	err := s.each(ctx, some, func(ctx context.Context, f Files, it *item) error {
		_, err := f.RemoveVariables(ctx, it.formerVariables()) // What is another file stays.
		return err
	})
	var failed perDomain
	errors.As(err, &failed)
	for _, it := range some {
		if err := failed[it.uuid()]; err != nil {
			it.end(it.unchanged(), stepDirectory, err)
		}
	}
}

// done is false where it cannot be told: do says why.
func (s directoryStep) done(ctx context.Context, b batch) (map[string]bool, error) {
	done := map[string]bool{}
	var mu sync.Mutex
	_ = s.each(ctx, b, func(ctx context.Context, f Files, it *item) error {
		ok, err := f.Done(ctx, it.toMake())
		mu.Lock()
		defer mu.Unlock()
		done[it.uuid()] = ok && err == nil
		return nil
	})
	return done, nil
}

func (s directoryStep) do(ctx context.Context, b batch) error {
	err := s.each(ctx, b, func(ctx context.Context, f Files, it *item) error {
		made, err := f.Make(ctx, it.toMake())
		it.warnings = made.Warnings // those of the check, as they are now
		return errors.Join(err, it.keep(made))
	})
	failed := perDomain{}
	if err != nil && !errors.As(err, &failed) {
		return err
	}
	for _, items := range b.without(failed.set()).byHost() {
		if err := s.settle(ctx, items); err != nil {
			for _, it := range items {
				failed[it.uuid()] = err
			}
		}
	}
	return failed.orNil()
}

// settle writes the new directories of one host to its disk.
func (s directoryStep) settle(ctx context.Context, items batch) error {
	files, err := s.of(ctx, items[0].host)
	if err != nil {
		return err
	}
	return files.Settle(ctx, items[0].want.InstancesPath)
}

func (s directoryStep) undo(ctx context.Context, b batch) error {
	return s.each(ctx, b, func(ctx context.Context, f Files, it *item) error {
		left, err := f.Remove(ctx, it.wants())
		for _, l := range left {
			it.warnings = append(it.warnings, fmt.Sprintf("%s stays: %s", l.Path, l.Why))
		}
		return err
	})
}

// filesOf keeps the hosts' files open for one batch.
type filesOf struct {
	hosts Hosts
	mu    sync.Mutex
	open  map[string]Files
	errs  map[string]error
}

func newFilesOf(hosts Hosts) *filesOf {
	return &filesOf{hosts: hosts, open: map[string]Files{}, errs: map[string]error{}}
}

// of opens the files of a host. A host that refused is not asked again in
// this batch.
func (f *filesOf) of(ctx context.Context, h discover.Host) (Files, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.errs[h.Name]; err != nil {
		return nil, err
	}
	if files := f.open[h.Name]; files != nil {
		return files, nil
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	files, err := f.hosts.Files(ctx, h)
	if err != nil {
		f.errs[h.Name] = err
		return nil, err
	}
	f.open[h.Name] = files
	return files, nil
}

// close ends all sessions; what was made has been written by then.
func (f *filesOf) close() {
	for name, files := range f.open {
		_ = files.Close() // Nothing is lost with a connection that ends badly.
		delete(f.open, name)
	}
	clear(f.errs)
}

// each works on the domains of a batch, several at a time, and gathers what
// failed.
func (f *filesOf) each(ctx context.Context, b batch, work func(context.Context, Files, *item) error) error {
	return b.each(ctx, func(ctx context.Context, it *item) error {
		files, err := f.of(ctx, it.host)
		if err != nil {
			return err
		}
		return work(ctx, files, it)
	})
}

var _ Files = (*instancedir.Tree)(nil)
