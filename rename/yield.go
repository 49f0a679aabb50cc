package rename

import (
	"fmt"
	"regexp"
	"strings"
)

// Yielding is a definition like the given one that does not insist on what may
// have been taken from a guest while it was off: a port of the host that it
// shows its console at, and a medium in a drive. gave says what, and is empty
// where the definition insists on nothing of that kind.
//
// It is for StartOnce, and nothing to define: a guest that runs with its
// console at another port is better than one that does not run.
func Yielding(definition string) (text string, gave []string, err error) {
	doc, err := parse(definition)
	if err != nil {
		return "", nil, &EditError{Err: err}
	}
	e := &editor{doc: doc}
	devices, err := e.devices()
	if err != nil {
		return "", nil, named(doc, err)
	}
	for _, console := range devicesOf(devices, "graphics") {
		gave = append(gave, e.yieldPorts(console)...)
	}
	for _, disk := range devicesOf(devices, "disk") {
		gave = append(gave, e.yieldMedium(disk)...)
	}
	if text, err = e.text(); err != nil {
		return "", nil, named(doc, err)
	}
	return text, gave, onlyYields(definition, text)
}

// automatic is the port that libvirt chooses itself.
const automatic = "-1"

// yieldPorts lets libvirt choose the ports of a console.
func (e *editor) yieldPorts(console *element) (gave []string) {
	if auto := console.value("autoport"); auto != "no" && console.value("port") == automatic {
		return nil
	}
	for _, name := range []string{"port", "tlsPort", "websocket"} {
		if port, ok := console.attr(name); ok && port.value != automatic {
			e.setValue(port, automatic)
			gave = append(gave, fmt.Sprintf("%s %s of its %s console", name, port.value, console.value("type")))
		}
	}
	if auto, ok := console.attr("autoport"); ok && len(gave) > 0 {
		e.setValue(auto, "yes")
	}
	return gave
}

// yieldMedium has a drive be empty whose medium is missing.
func (e *editor) yieldMedium(drive *element) []string {
	source, err := drive.child("source")
	removable := drive.value("device") == "cdrom" || drive.value("device") == "floppy"
	if err != nil || source == nil || !removable || source.value("file") == "" {
		return nil
	}
	const optional = "optional"
	file, _ := source.attr("file")
	switch policy, ok := source.attr("startupPolicy"); {
	case !ok:
		e.splice(file.end+1, file.end+1, " startupPolicy='"+optional+"'")
	case policy.value == optional:
		return nil
	default:
		e.setValue(policy, optional)
	}
	return []string{fmt.Sprintf("the medium %q", file.value)}
}

// yields are the paths that Yielding may change.
var yields = regexp.MustCompile(`^devices/graphics(\[[^/]*\])*/@(port|tlsPort|websocket|autoport)$|^devices/disk(\[[^/]*\])*/source/@startupPolicy$`)

// onlyYields proves that nothing else is different.
func onlyYields(before, after string) error {
	found, err := Compare(before, after)
	if err != nil {
		return err
	}
	var wrong []string
	for _, d := range found {
		if !yields.MatchString(d.Path) {
			wrong = append(wrong, d.String())
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrUnmeant, strings.Join(wrong, "; "))
	}
	return nil
}
