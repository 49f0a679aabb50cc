package report

import (
	"bufio"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// A Page is what the audit's page says beside the report itself.
type Page struct {
	Made     time.Time
	Version  string
	Filters  []string      // --only and --skip as they were given
	Networks cloud.Mapping // which Neutron network an interface belongs to
}

// AuditHTML writes the audit as one page that needs nothing beside itself: no
// network, no other file. The summary stands in it as it is read; the domains
// are JSON that the page's script makes a table of, and a plain table for
// those who have scripts switched off.
//
// Domains are written as they are judged, a few hundred at a time: the page
// does not have to fit into memory.
func AuditHTML(w io.Writer, r audit.Report, p Page) error {
	return writePage(w, r, r.Domains(), p)
}

// writePage goes through the domains twice: what they add up to stands before
// them in the page.
func writePage(w io.Writer, r audit.Report, domains iter.Seq[audit.Domain], p Page) error {
	t := newTally(r, p)
	for d := range domains {
		t.add(d)
	}
	view := t.view(r, p)
	view.Chunks = chunks(r, domains, p.Networks)
	b := bufio.NewWriterSize(w, 64<<10)
	if err := pageTemplate.ExecuteTemplate(b, "page.tmpl", view); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

//go:embed html
var pageFiles embed.FS

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"count": func(n int) string { return humanize.Comma(int64(n)) },
	"line":  Line,

	"family": familyName,
}).ParseFS(pageFiles, "html/*.tmpl"))

// Style and script stand in the page, and the page's own policy names them by
// their digests: it loads nothing, and runs nothing that anybody slipped in.
var (
	pageStyle  = pageFile("html/page.css")
	pageScript = pageFile("html/page.js")
	pagePolicy = "default-src 'none'; style-src " + digest(pageStyle) + "; script-src " + digest(pageScript) +
		"; base-uri 'none'; form-action 'none'"
)

func pageFile(name string) string {
	text, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // it is part of the binary
	}
	return string(text)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// pageView is what the templates see.
type pageView struct {
	Page
	Policy string
	Style  template.CSS
	Script template.JS

	Lead     string   // what there is to say, in a few sentences
	Warnings []string // what to know before believing it
	Release  string   // Nova's, "" without databases
	Totals   audit.Totals
	Verdicts []verdictView
	Bar      bar
	Freed    freedView
	Hosts    []hostView
	Fleet    hostView // all hosts together

	Blockers, Attentions []reasonView
	Guests               []shareView
	Families             []shareView
	Disks                []diskView
	Models               []shareView
	Networks             []networkView

	Rules   map[string]ruleJSON
	Usage   string               // what a sample saw, "" without
	Fields  map[string]fieldJSON // that a rebuild by Nova may change
	Choices choicesView
	Chunks  iter.Seq[chunk]
}

func (t *tally) view(r audit.Report, p Page) pageView {
	v := pageView{
		Page: p, Policy: pagePolicy, Style: template.CSS(pageStyle), Script: template.JS(pageScript),
		Totals: r.Totals(), Hosts: t.hostViews(), Fleet: t.fleet(),
		Guests: t.guests.views(mostGuests), Families: t.families.views(0), Models: t.models.views(0),
		Disks: t.diskViews(), Networks: t.networkViews(),
		Rules: t.rulesJSON(), Fields: rebuildFields,
	}
	if r.Release.Name != "" {
		v.Release = "Nova " + r.Release.Name
	}
	v.Verdicts, v.Bar = verdictViews(v.Totals)
	v.Blockers, v.Freed = t.reasons.blockers()
	v.Attentions = t.reasons.attentions()
	v.Lead, v.Warnings = lead(v.Totals, v.Freed), warnings(r)
	if totals, sampled := r.Usage(); sampled {
		v.Usage = usageSum(totals)
	}
	v.Choices = t.choices(v)
	return v
}

// choicesView is what the table of domains can be filtered by.
type choicesView struct {
	Hosts, States, Families, Codes []string
	Marks                          []string // nil where no domain was sampled
}

func (t *tally) choices(v pageView) choicesView {
	c := choicesView{States: slices.Sorted(maps.Keys(t.states)), Codes: slices.Sorted(maps.Keys(v.Rules))}
	if t.usage {
		c.Marks = usageMarks
	}
	for _, h := range v.Hosts {
		c.Hosts = append(c.Hosts, h.Name)
	}
	for _, f := range v.Families {
		c.Families = append(c.Families, f.Name)
	}
	return c
}
