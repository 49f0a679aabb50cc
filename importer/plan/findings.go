package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// A concern is what only planning can find: that the cloud has no place for a
// domain that is itself fine. Its code is never given to another.
type concern struct {
	code     string
	severity check.Severity
	action   string
}

// The concerns of planning, K2O-900 and on.
var (
	infoManaged = concern{"K2O-900", check.Info, ""}

	blockedEntry = concern{"K2O-990", check.Blocked, "Correct the definition, or give another value by a rule."}

	blockedProject = concern{"K2O-901", check.Blocked, "Name a project in defaults or in a rule; without the cloud's own answers give its id."}
	blockedUser    = concern{"K2O-902", check.Blocked, "Name a user in defaults or in a rule; without the cloud's own answers give its id."}
	attentionZone  = concern{"K2O-903", check.Attention, "Move the host to that zone's aggregate, or leave availability_zone out."}
	blockedImage   = concern{"K2O-904", check.Blocked, "Correct placeholder_image or image_ref; none leaves it out, and resize fails then."}
	infoImage      = concern{"K2O-905", check.Info, "Leave out placeholder_image: none, if the project is to resize it; the import then makes an image of 1 MiB."}

	blockedFlavor    = concern{"K2O-911", check.Blocked, "Name a flavor that Nova has, and that is large enough."}
	attentionFlavor  = concern{"K2O-912", check.Attention, "Name a flavor of the domain's own size, or leave flavor out."}
	attentionNew     = concern{"K2O-913", check.Attention, ""}
	infoNew          = concern{"K2O-914", check.Info, "Nothing; name a flavor by a rule if it is to have another."}
	blockedDisk      = concern{"K2O-921", check.Blocked, "Look at the disk: its file may be missing or unreadable."}
	infoNIC          = concern{"K2O-931", check.Info, "Set nic_model in the plan, or windows_nic: keep in the configuration, if it is to stay."}
	blockedNetwork   = concern{"K2O-941", check.Blocked, "Correct the networks section of the configuration."}
	attentionNetwork = concern{"K2O-942", check.Attention, "Share the network with the project, or give the instance to the network's project."}
	blockedPort      = concern{"K2O-943", check.Blocked, ""}
	attentionPort    = concern{"K2O-945", check.Attention, ""}
	attentionAddress = concern{"K2O-944", check.Attention, ""}

	blockedNotVisible = concern{"K2O-946", check.Blocked, ""}
	blockedAddress    = concern{"K2O-947", check.Blocked, ""}
	infoAddress       = concern{"K2O-948", check.Info, ""}
	blockedGroup      = concern{"K2O-949", check.Blocked, "Correct security_groups: names and ids of the instance's own project are meant."}

	blockedRoom  = concern{"K2O-951", check.Blocked, ""}
	blockedQuota = concern{"K2O-952", check.Blocked, ""}
)

// find notes a concern. A domain that the rules have blocked gets none: the
// plan is made anew once that is mended, and until then they would hide what
// must be done first.
func (d *draft) find(c concern, format string, args ...any) {
	d.findDo(c, c.action, format, args...)
}

// findDo is find with what to do about just this case.
func (d *draft) findDo(c concern, action, format string, args ...any) {
	if d.verdict == check.VerdictBlocked {
		return
	}
	d.Findings = append(d.Findings, Finding{Code: c.code, Severity: c.severity, Text: fmt.Sprintf(format, args...), Action: action})
}

// has reports whether there is a finding of that code.
func (d *draft) has(code string) bool {
	return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Code == code })
}

// quoted makes a host's own string fit for one line of text.
func quoted(s string) string {
	if s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune("\"'`\\", r)
	}) {
		return s
	}
	return strconv.Quote(s)
}
