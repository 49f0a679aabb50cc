package plan

import (
	"strings"
	"testing"
)

func TestCheckNICModel(t *testing.T) {
	for _, model := range []string{"virtio", "e1000", "e1000e"} {
		if err := CheckNICModel(model); err != nil {
			t.Errorf("%s: %v", model, err)
		}
	}
	for _, model := range []string{"", "e1001", "virtio "} {
		if err := CheckNICModel(model); err == nil || !strings.Contains(err.Error(), "virtio, e1000") {
			t.Errorf("%q: %v, want those that there are", model, err)
		}
	}
}
