package check

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lightcloud/kvm2openstack/nova"
)

// nameRules: what becomes of the domain's name.
var nameRules = []Rule{
	{
		Code: "K2O-631", Severity: Blocked,
		Title:  "Name is not UTF-8",
		Action: "Rename the domain while it is off.",
		Fact:   "Nova's columns are UTF-8; a plan is a UTF-8 file and could not name the domain",
		find: func(s subject) []detail {
			return when(!utf8.ValidString(s.Name), say("Its name %s is not UTF-8, so neither a plan nor Nova can name it.", show(s.Name)).
				do("%svirsh domrename %s NEWNAME", s.whenOff(), s.virsh()))
		},
	},
	{
		Code: "K2O-632", Severity: Attention,
		Title:  "Name has characters that Nova's columns cannot hold",
		Action: "Change display_name in the plan.",
		Fact:   "instances.display_name is utf8mb3: nothing beyond U+FFFF (MySQL error 1366)",
		find: func(s subject) []detail {
			beyond := keep(s.Name, func(r rune) bool { return r > 0xFFFF })
			return when(beyond != "" && utf8.ValidString(s.Name), say("Its name %s has characters (%s) that Nova's columns cannot hold.", show(s.Name), show(beyond)))
		},
	},
	{
		Code: "K2O-633", Severity: Attention,
		Title:  "Name is too long",
		Action: "Shorten display_name in the plan.",
		Fact:   "instances.display_name is varchar(255)",
		find: func(s subject) []detail {
			n := utf8.RuneCountInString(s.Name)
			return when(n > 255, say("Its name has %d characters, and Nova holds 255.", n))
		},
	},
	{
		Code: "K2O-634", Severity: Attention,
		Title:  "Control characters in the name",
		Action: "Change display_name in the plan.",
		Fact:   "nova/api/validation/parameter_types.py name: printable characters only, so the API cannot set such a name again",
		find: func(s subject) []detail {
			odd := keep(s.Name, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) })
			return when(odd != "" && utf8.ValidString(s.Name), say("Its name %s has characters that cannot be seen.", show(s.Name)))
		},
	},
	{
		Code: "K2O-635", Severity: Attention,
		Title:  "Name looks like a path",
		Action: "Change display_name in the plan; see who gave it that name.",
		Fact:   "libvirt refuses \"/\" in names since 1.2; older definitions may have one",
		find: func(s subject) []detail {
			return when(s.Name == "." || s.Name == ".." || strings.ContainsAny(s.Name, "/\\"), say("Its name %s looks like a path.", show(s.Name)))
		},
	},
	{
		Code: "K2O-636", Severity: Info,
		Title:  "No host name can be made of the name",
		Action: "Set hostname in the plan if the guest asks the metadata service.",
		Fact:   "nova/utils.py sanitize_hostname; nova/compute/api.py then takes Server-<UUID>",
		find: func(s subject) []detail {
			return when(hostname(s.Name) == "", say("No character of its name %s can stand in a host name; Nova's own is used: Server-%s.", show(s.Name), show(s.UUID)))
		},
	},
	{
		Code: "K2O-637", Severity: Attention,
		Title:  "Host name is taken in Nova",
		Action: "Set another hostname in the plan.",
		Fact:   "osapi_compute_unique_server_name_scope: checked at API calls only, so a later rename or rebuild fails",
		find: func(s subject) []detail {
			if s.Nova == nil {
				return nil
			}
			return when(len(s.Nova.HostnameTaken) > 0, say("The host name %s is already that of %s.", show(hostname(s.Name)), list(s.Nova.HostnameTaken)))
		},
	},
	{
		Code: "K2O-638", Severity: Blocked,
		Title:  "Name that Nova will give to another instance",
		Action: "Rename the domain while it is off.",
		Fact:   "nova/virt/libvirt/driver.py defines instance_name_template % id; a foreign domain of that name fails the define after the undefine",
		find: func(s subject) []detail {
			clash := s.Nova != nil && !s.presence().Live && fromTemplate(s.Settings.InstanceNameTemplate, s.Name)
			return when(clash, say("Its name %s is one of Nova's own: the instance that gets it cannot be started on this host.", show(s.Name)).
				do("%svirsh domrename %s NEWNAME", s.whenOff(), s.virsh()))
		},
	},
}

// keep are the runes of s that pass.
func keep(s string, pass func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if pass(r) {
			return r
		}
		return -1
	}, s)
}

var verb = regexp.MustCompile(`%(?:\(([a-z_]+)\))?([0-9]*)([dxXs])`)

// fromTemplate reports whether an instance_name_template could give this
// name. The default is instance-%08x; %(uuid)s and other columns are known.
func fromTemplate(template, name string) bool {
	if template == "" {
		template = "instance-%08x"
	}
	var b strings.Builder
	b.WriteString("^")
	last := 0
	for _, m := range verb.FindAllStringSubmatchIndex(template, -1) {
		b.WriteString(regexp.QuoteMeta(template[last:m[0]]))
		b.WriteString(verbPattern(template[m[6]:m[7]], strings.TrimLeft(template[m[4]:m[5]], "0"), m[2] >= 0 && template[m[2]:m[3]] == "uuid"))
		last = m[1]
	}
	b.WriteString(regexp.QuoteMeta(template[last:]) + "$")
	re, err := regexp.Compile(b.String())
	return err == nil && re.MatchString(name)
}

// verbPattern matches what one verb of a template prints.
func verbPattern(conversion, width string, uuid bool) string {
	switch {
	case uuid:
		return "[0-9a-f-]{36}"
	case conversion == "s":
		return ".+"
	}
	digits := map[string]string{"d": "[0-9]", "x": "[0-9a-f]", "X": "[0-9A-F]"}[conversion]
	if width == "" {
		return digits + "+"
	}
	return digits + "{" + width + ",}"
}

// hostname is what Nova makes of a display name, "" when nothing is left.
func hostname(name string) string { return nova.SanitizeHostname(name, "") }
