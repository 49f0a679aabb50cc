package report

import "github.com/lightcloud/kvm2openstack/importer/rebuild"

// rebuildWhys say what decides a field. The page has them once, for most of
// the domains differ in the same fields.
var rebuildWhys = func() map[string]string {
	out := map[string]string{}
	for _, f := range rebuild.Fields() {
		out[f.Name] = f.Why
	}
	return out
}()

// rebuildJSON is a difference in the page, without what the page says already.
type rebuildJSON struct {
	Field  string `json:"field"`
	Device string `json:"device,omitempty"`
	Now    string `json:"now,omitempty"`
	Then   string `json:"then,omitempty"`
	Guest  bool   `json:"guest,omitempty"`
	Why    string `json:"why,omitempty"`
}

func newRebuildJSON(d rebuild.Difference) rebuildJSON {
	out := rebuildJSON{Field: Line(d.Field), Device: Line(d.Device), Now: Line(d.Now), Then: Line(d.Then), Guest: d.Guest}
	if d.Why != rebuildWhys[d.Field] {
		out.Why = Line(d.Why)
	}
	return out
}
