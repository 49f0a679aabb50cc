package restart

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// wantRecorded: the journal says which model Nova's records have.
func (w *fakeWorld) wantRecorded(context string) {
	w.t.Helper()
	var was recorded
	w.must(yaml.Unmarshal([]byte(w.state().Plan), &was))
	if was.Domain.NICModel != w.model {
		w.t.Errorf("%s: the journal says %q of its interfaces, Nova %q", context, was.Domain.NICModel, w.model)
	}
}

func TestWithModel(t *testing.T) {
	const before = "# note\ndomain:\n    uuid: 0x10\n    nic_model: virtio # of web\n    future: {a: [1]}\ncloud: true\n"
	for _, c := range []struct{ name, text, model, want string }{
		{"same", before, "virtio", before},
		{"other", before, "e1000", "# note\ndomain:\n    uuid: 0x10\n    nic_model: e1000 # of web\n    future: {a: [1]}\ncloud: true\n"},
		{"none before", "domain:\n    uuid: a\ncloud: true\n", "e1000", "domain:\n    uuid: a\n    nic_model: e1000\ncloud: true\n"},
		{"none after", "domain:\n    nic_model: e1000\n", "", "domain:\n    nic_model: \"\"\n"},
	} {
		got, err := withModel(c.text, c.model)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	for _, text := range []string{"domain: [", "", "cloud: true\n"} {
		if got, err := withModel(text, "e1000"); err == nil {
			t.Errorf("%q has no domain, and becomes %q", text, got)
		}
	}
}
