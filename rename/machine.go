package rename

import (
	"context"
	"errors"
	"fmt"

	"github.com/digitalocean/go-libvirt"
)

// ErrMachine is a machine type that was in the host's QEMU when the guest was
// started, and is no longer.
var ErrMachine = errors.New("the host's QEMU has no such machine type any more, so that neither this guest nor its definition can be started again; give it a newer one with virsh edit, and plan anew")

// invalidArgument is libvirt's answer to a machine type that a QEMU does not
// have (qemu_capabilities.c, virQEMUCapsCacheLookupDefault).
const invalidArgument = 8

// CheckMachine asks the host whether it could start a domain of that definition
// by its machine type: QEMU may have been replaced by a newer one since the
// guest was started. What else libvirt has against it the start would say.
func (d *Domain) CheckMachine(ctx context.Context, definition string) error {
	doc, err := parse(definition)
	if err != nil {
		return &EditError{Err: err}
	}
	kind, err := doc.root.deep("os", "type")
	if err != nil || kind == nil {
		return err
	}
	emulator, err := doc.root.deep("devices", "emulator")
	if err != nil {
		return err
	}
	machine := kind.value("machine")
	_, err = do(ctx, d, request{act: "look for the machine type"}, func(lv calls, _ libvirt.Domain) (string, error) {
		var binary libvirt.OptString
		if emulator != nil {
			binary = optional(emulator.words)
		}
		return lv.ConnectGetDomainCapabilities(binary, optional(kind.value("arch")), optional(machine), optional(doc.root.value("type")), 0)
	})
	var said libvirt.Error
	switch {
	case errors.As(err, &said) && said.Code == invalidArgument:
		return fmt.Errorf("%w: %s: %s", ErrMachine, machine, said.Message)
	case Unanswered(err):
		return err
	}
	return nil
}

func optional(word string) libvirt.OptString {
	if word == "" {
		return nil
	}
	return libvirt.OptString{word}
}
