package nova

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInUse(t *testing.T) {
	f := newFixture(t, "zed", nil)
	f.addInstance(1, map[string]any{"instance_type_id": 4, "image_ref": "placeholder"})
	f.addInstance(2, map[string]any{"instance_type_id": 4, "image_ref": ""})
	f.addInstance(3, map[string]any{"instance_type_id": 4, "image_ref": "placeholder", "deleted": 3})
	f.addInstance(4, map[string]any{"instance_type_id": 5})
	c := f.open()
	got, err := c.InUse(context.Background(), []int64{4, 6}, []string{"placeholder", "other"})
	if err != nil {
		t.Fatal(err)
	}
	want := Use{Flavors: map[int64]int{4: 2}, Images: map[string]int{"placeholder": 1}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}

	if got, err := c.InUse(context.Background(), nil, nil); err != nil || len(got.Flavors)+len(got.Images) != 0 {
		t.Errorf("InUse of nothing = %+v, %v, want nothing", got, err)
	}
	c.closed = []ClosedCell{{Name: "cell2", Reason: "is disabled"}}
	if _, err := c.InUse(context.Background(), []int64{4}, nil); err == nil {
		t.Error("InUse with a closed cell = nil, want an error: nobody knows what is in it")
	}
}
