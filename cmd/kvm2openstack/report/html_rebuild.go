package report

import "github.com/lightcloud/kvm2openstack/importer/rebuild"

// fieldJSON is what the page says once of a field that a rebuild may change,
// for most of the domains differ in the same ones.
type fieldJSON struct {
	Title string `json:"title"`
	Why   string `json:"why"`
}

var rebuildFields = func() map[string]fieldJSON {
	out := map[string]fieldJSON{}
	for _, f := range rebuild.Fields() {
		out[f.Name] = fieldJSON{f.Title, f.Why}
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
	if d.Why != rebuildFields[d.Field].Why {
		out.Why = Line(d.Why)
	}
	return out
}
