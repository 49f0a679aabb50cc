package discover

import (
	"iter"
	"strconv"
	"strings"
	intern "unique" // a function here has the name
)

// A Layout is what a guest sees of its virtual hardware beyond the devices
// themselves: where they are on which bus, controllers, SMBIOS, features,
// timers. It is text, one fact a line, and many domains share one, for a
// hundred thousand of them are held at once:
//
//	smbios mode=sysinfo
//	sysinfo system/manufacturer value="Acme Ltd"
//	feature vmport state=off
//	timer hpet present=no
//	controller usb/0 model=piix3-uhci at=pci:0000:00:01.2
//	disk 0 at=drive:0:0:0:1
//
// Devices of one kind are counted as the definition has them.
type Layout struct {
	text intern.Handle[string]
}

// Equal says whether both say the same.
func (l Layout) Equal(m Layout) bool { return l.text == m.text }

// String is the whole text, "" where no definition was read.
func (l Layout) String() string {
	if l == (Layout{}) {
		return ""
	}
	return l.text.Value()
}

// A LayoutFact is one line of a Layout.
type LayoutFact struct {
	Kind, Name string // controller, usb/0
	attrs      string
}

// Get is an attribute's value, "" without.
func (f LayoutFact) Get(attribute string) string {
	value := ""
	for rest := f.attrs; rest != ""; {
		var one string
		one, rest = cutWord(rest)
		if name, v, _ := strings.Cut(one, "="); name == attribute {
			value = unquoted(v)
		}
	}
	return value
}

// Facts are the lines in order.
func (l Layout) Facts() iter.Seq[LayoutFact] {
	return func(yield func(LayoutFact) bool) {
		for line := range strings.Lines(l.String()) {
			f := LayoutFact{attrs: strings.TrimSuffix(line, "\n")}
			f.Kind, f.attrs = cutWord(f.attrs)
			if name, rest := cutWord(f.attrs); !strings.Contains(name, "=") {
				f.Name, f.attrs = unquoted(name), rest
			}
			if !yield(f) {
				return
			}
		}
	}
}

// NewLayout has the text that String gives.
func NewLayout(text string) Layout {
	if text == "" {
		return Layout{}
	}
	return Layout{intern.Make(text)} // shared with whoever has the same
}

func unquoted(s string) string {
	if v, err := strconv.Unquote(s); err == nil && s[0] == '"' {
		return v
	}
	return s
}

// cutWord cuts at the first space outside of quotes.
func cutWord(s string) (word, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ' ' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}
