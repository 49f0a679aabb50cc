package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
)

// ReadBaseline reads what AuditJSON printed, one domain at a time. Domains
// that keep does not take are left out, but for unreadable ones; nil takes all.
func ReadBaseline(r io.Reader, keep func(discover.Domain) bool) (audit.Baseline, error) {
	b := baselineReader{json: json.NewDecoder(r), keep: keep}
	b.Failed = map[string]bool{}
	err := b.object()
	if err == nil {
		err = b.end()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends in the middle")
	}
	if err == nil {
		err = b.check()
	}
	return b.Baseline, err
}

type baselineReader struct {
	audit.Baseline
	json   *json.Decoder
	keep   func(discover.Domain) bool
	schema string
	read   int
	totals *audit.Totals
}

// object goes through the fields of the document in whatever order they come.
func (b *baselineReader) object() error {
	if t, err := b.json.Token(); err != nil || t != json.Delim('{') {
		if err == nil {
			err = errors.New("it is no JSON object")
		}
		return err
	}
	for b.json.More() {
		name, err := b.json.Token()
		if err != nil {
			return err
		}
		if err := b.field(name); err != nil {
			return err
		}
	}
	_, err := b.json.Token()
	return err
}

// end refuses what follows the document, as after audits that were appended to
// one another: the first of them is not the last audit.
func (b *baselineReader) end() error {
	if _, err := b.json.Token(); err != io.EOF {
		return errors.New("it goes on after its end; a file of several audits is no baseline (> FILE, not >> FILE)")
	}
	return nil
}

func (b *baselineReader) field(name json.Token) error {
	switch name {
	case "schema":
		if err := b.json.Decode(&b.schema); err != nil {
			return err
		}
		return b.checkSchema()
	case "at":
		return b.json.Decode(&b.At)
	case "by":
		return b.json.Decode(&b.By)
	case "totals":
		return b.json.Decode(&b.totals)
	case "hosts":
		return eachItem(b.json, func(h hostJSON) {
			if h.Error != "" {
				b.Failed[h.Name] = true
			}
		})
	case "domains":
		return eachItem(b.json, func(d audit.Domain) { b.add(d.Domain, audit.SeenDomain(d)) })
	case "unreadable":
		return eachItem(b.json, func(u unreadableJSON) {
			b.read++ // No filter leaves them out of an audit either.
			b.Domains = append(b.Domains, audit.SeenUnreadable(u.Host, u.Name, u.UUID))
		})
	case "not_seen":
		return eachItem(b.json, func(l audit.LastSeen) {
			b.take(l.Domain(), l.Seen())
		})
	}
	var skipped json.RawMessage
	return b.json.Decode(&skipped)
}

func (b *baselineReader) add(d discover.Domain, s audit.Seen) {
	b.read++
	b.take(d, s)
}

func (b *baselineReader) take(d discover.Domain, s audit.Seen) {
	if b.keep == nil || b.keep(d) {
		b.Domains = append(b.Domains, s)
	}
}

func (b *baselineReader) checkSchema() error {
	switch b.schema {
	case AuditSchema:
		return nil
	case ChangesSchema:
		return fmt.Errorf("it is a comparison (%s), and not an audit: make a baseline with --save FILE", b.schema)
	}
	return fmt.Errorf("its schema is %q, and not %s", b.schema, AuditSchema)
}

// check refuses what is no whole audit.
func (b *baselineReader) check() error {
	switch {
	case b.schema == "":
		return fmt.Errorf("it has no \"schema\": %s is wanted, as audit -o json prints it", AuditSchema)
	case b.totals == nil:
		return errors.New("it has no totals")
	case b.totals.Found-b.totals.Filtered != b.read:
		return fmt.Errorf("it has %d domains, but its totals say %d", b.read, b.totals.Found-b.totals.Filtered)
	}
	return nil
}

// eachItem goes through an array without keeping it.
func eachItem[T any](d *json.Decoder, use func(T)) error {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		if err == nil {
			err = fmt.Errorf("a list is wanted where it has %v", t)
		}
		return err
	}
	for d.More() {
		var item T
		if err := d.Decode(&item); err != nil {
			return err
		}
		use(item)
	}
	_, err := d.Token()
	return err
}

// Since is how a person says when the baseline was made.
func since(b audit.Baseline) string {
	if b.At.IsZero() {
		return "the baseline"
	}
	return b.At.UTC().Format("2006-01-02 15:04:05 MST")
}
