package restart

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/rename"
)

// A fakeDomain is one as libvirt has it.
type fakeDomain struct {
	name       string
	definition string // "" is transient
	live       string // "" is off
	paused     bool
	autostart  bool
	busy       error
	elsewhere  string // why it is off: its guest goes on somewhere else
}

// definitionOf is a domain as libvirt writes it.
func definitionOf(uuid, name, efi string) string {
	firmware := "<os>\n    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>\n    <boot dev='hd'/>\n  </os>"
	switch efi {
	case "implicit":
		firmware = "<os firmware='efi'>\n    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>\n  </os>"
	case "explicit":
		firmware = "<os>\n    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>\n    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>\n    <nvram>/srv/nvram/web.fd</nvram>\n  </os>"
	}
	return `<domain type='kvm'>
  <name>` + name + `</name>
  <uuid>` + uuid + `</uuid>
  <memory unit='KiB'>1048576</memory>
  <currentMemory unit='KiB'>1048576</currentMemory>
  <vcpu placement='static'>1</vcpu>
  ` + firmware + `
  <features>
    <acpi/>
  </features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/srv/images/web.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/srv/images/data.qcow2'/>
      <target dev='vdb' bus='virtio'/>
    </disk>
    <interface type='bridge'>
      <mac address='52:54:00:10:00:50'/>
      <source bridge='br0'/>
      <model type='virtio'/>
      <driver name='vhost' queues='2'/>
    </interface>
    <graphics type='vnc' port='-1' autoport='yes' passwd='hunter2'/>
  </devices>
</domain>
`
}

func legacyVariables(efi, name string) string {
	if efi == "explicit" {
		return "/srv/nvram/web.fd"
	}
	return rename.DefaultNVRAM(name)
}

// liveOf is what runs, once a definition is started.
func (w *fakeWorld) liveOf(definition string) string {
	return strings.Replace(definition, "<domain type='kvm'", "<domain type='kvm' id='"+fmt.Sprint(w.boots+1)+"'", 1)
}

type fakeHosts struct{ w *fakeWorld }

func (h fakeHosts) Domain(context.Context, discover.Host, string) (Domain, error) {
	return fakeHandle(h), nil
}
func (h fakeHosts) Files(context.Context, discover.Host) (Files, error) { return fakeFiles(h), nil }

func (h fakeHosts) Vantage(_ context.Context, _ discover.Host, from string) (rename.Vantage, func(), error) {
	h.w.askedFrom = append(h.w.askedFrom, from)
	return rename.Here{}, func() { h.w.askedFrom = append(h.w.askedFrom, "end of "+from) }, nil
}

// A fakeHandle is the domain as package rename gives it.
type fakeHandle struct{ w *fakeWorld }

func (h fakeHandle) Close() {}

func (h fakeHandle) domain() (*fakeDomain, error) {
	if h.w.away {
		return nil, fmt.Errorf("%w: no route to host", ErrAway)
	}
	if d := h.w.domains[h.w.uuid]; d != nil {
		return d, nil
	}
	return nil, rename.ErrGone
}

func (h fakeHandle) Save(context.Context) (rename.Saved, error) {
	d, err := h.domain()
	if err != nil {
		return rename.Saved{}, err
	}
	s := rename.Saved{
		UUID: h.w.uuid, Name: d.name, State: rename.StateShutoff, Persistent: d.definition != "", Autostart: d.autostart,
		Definition: d.definition, Live: d.live, Elsewhere: d.elsewhere,
	}
	if d.live != "" {
		s.State = rename.StateRunning
	}
	if h.w.console != "" {
		s.Consoles = []string{h.w.console}
	}
	if d.paused {
		s.State = rename.StatePaused
	}
	text := d.definition
	if d.live != "" {
		text = d.live
	}
	s.Disks = disksOf(text)
	path, implicit, err := rename.NVRAM(text)
	if implicit && d.live != "" {
		path = rename.DefaultNVRAM(d.name)
	}
	s.NVRAM = path
	return s, err
}

// disksOf is enough of a definition for a world in which all look alike.
func disksOf(text string) (paths []string) {
	for _, found := range diskPath.FindAllStringSubmatch(text, -1) {
		paths = append(paths, found[1])
	}
	return paths
}

var diskPath = regexp.MustCompile(`<source file='([^']*)'`)

func (h fakeHandle) CheckShutdown(_ context.Context, how rename.Shutdown) error {
	d, err := h.domain()
	if err == nil && d.paused && !how.Resume {
		err = rename.ErrPaused
	}
	return err
}

func (h fakeHandle) Idle(context.Context) error {
	d, err := h.domain()
	if err != nil {
		return err
	}
	return d.busy
}

func (h fakeHandle) FreeName(_ context.Context, name string) error {
	if h.w.others[name] {
		return rename.ErrNameTaken
	}
	return nil
}

func (h fakeHandle) CheckMachine(context.Context, string) error {
	_, err := h.domain()
	if err == nil {
		err = h.w.noMachine
	}
	return err
}

func (h fakeHandle) Addresses(context.Context) ([]rename.Address, error) {
	return nil, errors.New("no agent")
}

func (h fakeHandle) CheckHealth(_ context.Context, asked rename.Health, since time.Time) (rename.Report, error) {
	h.w.health = asked
	d, err := h.domain()
	answer := rename.Answer{Asked: "runs without a break", OK: err == nil && d.live != "" && !d.paused, Said: "it is off"}
	if answer.OK && h.w.sick != nil && h.w.sick(d.live) {
		answer.OK, answer.Said = false, "it does not answer"
	}
	return rename.Report{Answers: []rename.Answer{answer}}, nil
}

func (h fakeHandle) Define(_ context.Context, want rename.Definition) error {
	d, err := h.domain()
	switch {
	case err != nil:
		return err
	case want.Proves(d.definition) == nil:
		return nil
	}
	if err := want.Fits(d.definition); err != nil {
		return err
	}
	if err := h.w.define(want.Text); err != nil {
		return err
	}
	return want.Proves(d.definition)
}

// define is libvirt's: the name in the text decides, and has to be the present
// one of that UUID.
func (w *fakeWorld) define(text string) error {
	return w.effect("define", func() error {
		now, err := discover.Parse([]byte(text), nil)
		if err != nil {
			return err
		}
		d := w.domains[now.UUID]
		if d == nil {
			d = &fakeDomain{name: now.Name}
			w.domains[now.UUID] = d
		}
		if d.name != now.Name {
			return fmt.Errorf("domain %q is already defined with uuid %s", d.name, now.UUID)
		}
		d.definition = text
		if w.adds != "" && !strings.Contains(text, w.adds) {
			d.definition = strings.Replace(text, "</devices>", w.adds+"</devices>", 1)
		}
		return nil
	})
}

func (h fakeHandle) Rename(_ context.Context, to string) error {
	return h.w.effect("rename", func() error {
		d, err := h.domain()
		switch {
		case err != nil:
			return err
		case d.name == to:
			return nil
		case d.live != "":
			return rename.ErrActive
		case h.w.others[to]:
			return rename.ErrNameTaken
		}
		if d.definition, err = rename.Apply(d.definition, rename.Change{Name: to}); err != nil {
			return err
		}
		d.name = to
		return nil
	})
}

func (h fakeHandle) SetAutostart(_ context.Context, on bool) error {
	return h.w.effect("autostart", func() error {
		d, err := h.domain()
		if err == nil {
			d.autostart = on
		}
		return err
	})
}

// Restore is three changes, as the real one is.
func (h fakeHandle) Restore(ctx context.Context, saved rename.Saved, same func(string, string) error) error {
	d, err := h.domain()
	if err == nil && d.name != saved.Name {
		if err := h.Rename(ctx, saved.Name); err != nil {
			return err
		}
	}
	if err != nil || same(saved.Definition, d.definition) != nil {
		if err := h.w.define(saved.Definition); err != nil {
			return err
		}
		if err := same(saved.Definition, h.w.domains[saved.UUID].definition); err != nil {
			return err
		}
	}
	return h.SetAutostart(ctx, saved.Autostart)
}

func (h fakeHandle) Shutdown(_ context.Context, how rename.Shutdown) (rename.Stopped, error) {
	d, err := h.domain()
	h.w.asked = append(h.w.asked, how)
	switch {
	case err != nil:
		return rename.Stopped{}, err
	case d.live == "":
		return rename.Stopped{At: time.Now(), WasOff: true}, nil
	case h.w.migrates != nil:
		h.w.migrates(d)
		return rename.Stopped{}, rename.ErrElsewhere
	case d.paused && !how.Resume:
		return rename.Stopped{}, rename.ErrPaused
	case h.w.deaf != nil && h.w.deaf(d) && !how.Force:
		return rename.Stopped{}, rename.ErrStillRunning
	}
	err = h.w.effect("shutdown", func() error {
		h.w.stops++
		// Firmware and guest write their variables until the end.
		if f := h.w.files[variablesOf(d, d.live)]; f != nil {
			f.content = strings.Replace(f.content, "older ", "", 1)
		}
		d.live, d.paused = "", false
		return nil
	})
	now := time.Now()
	h.w.stoppedAt = append(h.w.stoppedAt, now)
	return rename.Stopped{At: now, Heard: true, Reason: "shutdown", Took: time.Millisecond}, err
}

func (h fakeHandle) Start(_ context.Context, paused bool) (rename.Started, error) {
	s := rename.Started{Issued: time.Now()}
	d, err := h.domain()
	if err != nil {
		return s, err
	}
	if d.live != "" {
		s.WasActive = true
		return s, nil
	}
	return s, h.w.effect("start", func() error { return h.w.start(d.definition, paused) })
}

// StartOnce leaves the definition alone.
func (h fakeHandle) StartOnce(_ context.Context, text string, paused bool) (rename.Started, error) {
	s := rename.Started{Issued: time.Now()}
	_, err := h.domain()
	if err != nil {
		return s, err
	}
	return s, h.w.effect("start once", func() error { return h.w.start(text, paused) })
}

// start is libvirt's, whoever asks for it.
func (w *fakeWorld) start(definition string, paused bool) error {
	d := w.domains[w.uuid]
	if w.refuse != nil {
		if err := w.refuse(definition); err != nil {
			return err
		}
	}
	for i, p := range disksOf(definition) {
		want := []string{"root disk", "data disk"}[i]
		if f := w.files[p]; f == nil {
			return fmt.Errorf("cannot access storage file %q", p)
		} else if f.content != want {
			w.wrong = append(w.wrong, fmt.Sprintf("started on %q, which holds %q", p, f.content))
		}
	}
	w.boots++
	d.live, d.paused = w.liveOf(definition), paused
	path := variablesOf(d, definition)
	if path != "" && w.files[path] == nil {
		w.create(path, "empty variables")
	}
	if path != "" && w.files[path].content != "the guest's variables" && w.stops > 0 {
		w.wrong = append(w.wrong, fmt.Sprintf("started with %s in %s", w.files[path].content, path))
	}
	return nil
}

// variablesOf is where libvirt has a domain's EFI variables, "" for none.
func variablesOf(d *fakeDomain, definition string) string {
	path, implicit, err := rename.NVRAM(definition)
	if err != nil {
		panic(err)
	}
	if implicit {
		return rename.DefaultNVRAM(d.name)
	}
	return path
}

func (h fakeHosts) Look(context.Context, discover.Host, string) (View, error) {
	return fakeView{fakeHandle(h), fakeFiles(h)}, nil
}
