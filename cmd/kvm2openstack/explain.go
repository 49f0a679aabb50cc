package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/sync"
)

type explainOptions struct{ selection }

func newExplain(a *app) *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Annotations: onlyLooks,
		Use:         "explain CODE | DOMAIN | LOGLINE | -",
		Short:       "Say what a check means, or walk through a domain's verdict",
		Long: `Explain prints what a check means, what it rests on and what to do about it; or
it audits the hosts and walks through the verdict of one domain: what it is,
what was looked at, what was found, and what Nova will make of it.

It knows the lines, too, with which nova-compute's log refuses a host that has
guests, or complains of them: LOGLINE is one in quotes, "-" is a whole log from
standard input.

DOMAIN is a name, a pattern or a UUID, as after --only; name=K2O-101 is a domain
that is called like a check, and name= goes before one that is called like
anything else above. It writes nothing.`,
		Example: `  kvm2openstack explain K2O-226
  kvm2openstack explain V7
  kvm2openstack explain D10
  kvm2openstack explain web-1 --host qemu+ssh://root@kvm01/system
  kvm2openstack explain "$(grep -m 1 InvalidConfiguration /var/log/nova/nova-compute.log)"
  journalctl -b -o cat -u nova-compute | kvm2openstack explain -`,
		Args: oneArg("code, domain or line of a log (in quotes)"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, a, args[0]) },
	}
	o.addHostFlags(cmd)
	return cmd
}

func (o *explainOptions) run(cmd *cobra.Command, a *app, what string) error {
	if isLog(what) {
		return o.explainLog(cmd.Context(), a, what)
	}
	explain := explainCode(a, what)
	switch {
	case explain == nil && strings.HasPrefix(strings.ToUpper(what), "K2O-"):
		return usagef("there is no check %s: RULES.md, CONCERNS.md, VERIFY.md and DRIFT.md list them; a domain of that name is name=%s", what, what)
	case explain == nil:
		return o.explainDomain(cmd, a, what)
	case o.namesHosts():
		return usagef("%s is a check: hosts have no part in it; a domain of that name is name=%s", what, what)
	}
	explain()
	return nil
}

func (o *explainOptions) namesHosts() bool {
	return len(o.uris) > 0 || o.inventory != "" || o.fromDir != ""
}

// explainCode is what explains the check of that code, nil when there is none.
func explainCode(a *app, code string) func() {
	for _, rules := range [][]check.Rule{check.Rules(), plan.Concerns()} {
		if i := slices.IndexFunc(rules, func(r check.Rule) bool { return strings.EqualFold(r.Code, code) }); i >= 0 {
			return func() { report.ExplainCheck(a.out, rules[i], a.style()) }
		}
	}
	if i := slices.IndexFunc(importer.Codes, func(c importer.Code) bool { return c.Code == code }); i >= 0 {
		return func() { report.ExplainCode(a.out, importer.Codes[i], a.style()) }
	}
	if slices.Contains(sync.Codes(), sync.Code(code)) {
		return func() { report.ExplainDrift(a.out, sync.Code(code), a.style()) }
	}
	return nil
}

// explainDomain audits the hosts for the domains that match.
func (o *explainOptions) explainDomain(cmd *cobra.Command, a *app, what string) error {
	o.only = []string{what}
	if _, err := o.filter(); err != nil && strings.Contains(what, "=") {
		o.only = []string{"name=" + what}
	}
	c, err := loadConfig(a.configFile)
	if err == nil {
		c, err = o.above(c)
	}
	if err != nil {
		return err
	}
	r, err := a.audit(cmd.Context(), c, &o.selection)
	if err != nil {
		return err
	}
	return o.print(a, c, r, what)
}

func (o *explainOptions) print(a *app, c config, r audit.Report, what string) error {
	style := a.style()
	report.ExplainDomains(a.out, r, report.Explanation{Style: style, Networks: c.Networks, NoNova: c.Nova.APIDatabase == ""})
	found := r.Totals()
	unreadable := 0
	for _, u := range r.Unreadable {
		if u.Name == what || u.UUID != "" && strings.EqualFold(u.UUID, what) {
			report.ExplainUnreadable(a.out, u, style)
			unreadable++
		}
	}
	if found.Sum()-found.Filtered-found.Unreadable+unreadable > 0 {
		return nil
	}
	err := fmt.Errorf("no domain is %s: %s looked at on %s%s",
		report.Line(check.Shell(what)), report.Count(found.Found, "domain"), report.Count(found.Hosts-found.HostsFailed, "host"), o.left.like(what))
	if found.HostsFailed > 0 {
		report.Failures(a.err, r)
		return refused(err)
	}
	return usage(err)
}
