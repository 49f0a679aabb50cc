package nova

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// sizes are the numbers of a stored flavor in the order of instances' columns.
func sizes(flavor map[string]any) [4]any {
	return [4]any{flavor["vcpus"], flavor["memory_mb"], flavor["root_gb"], flavor["ephemeral_gb"]}
}

// extra is V6.
func (v *verifier) extra() {
	rows := v.cell.extras[v.uuid]
	if len(rows) != 1 {
		v.add("V6", "rows of instance_extra", 1, len(rows))
		return
	}
	v.extraBlobs(rows[0])
	text := ""
	if rows[0].Flavor != nil {
		text = *rows[0].Flavor
	}
	flavor, err := parseExtraFlavor(text)
	if err != nil {
		v.add("V6", "flavor in instance_extra", "a flavor that Nova can load", err)
		return
	}
	want := [4]any{float64(v.row.VCPUs), float64(v.row.MemoryMB), float64(v.row.RootGB), float64(v.row.EphemeralGB)}
	if got := sizes(flavor); got != want {
		v.add("V6", "vcpus, memory_mb, root_gb, ephemeral_gb of the flavor in instance_extra", fmt.Sprint(want[:]...), fmt.Sprint(got[:]...))
	}
}

// storedFlavor is the flavor in instance_extra, nil when it cannot be read.
func (v *verifier) storedFlavor() map[string]any {
	rows := v.cell.extras[v.uuid]
	if len(rows) == 0 || rows[0].Flavor == nil {
		return nil
	}
	flavor, err := parseExtraFlavor(*rows[0].Flavor)
	if err != nil {
		return nil
	}
	return flavor
}

// requestSpec is V5.
func (v *verifier) requestSpec() {
	rows := v.specs[v.uuid]
	if len(rows) != 1 {
		v.add("V5", "request specs", 1, len(rows))
		return
	}
	spec, err := parseObject([]byte(rows[0].Spec), "RequestSpec", newestRequestSpec(v.release.Major))
	if err != nil {
		v.add("V5", "request spec", "one that Nova can load", err)
		return
	}
	for key, want := range map[string]string{"instance_uuid": v.uuid, "project_id": v.row.ProjectID, "user_id": v.row.UserID} {
		if got, _ := spec[key].(string); !strings.EqualFold(got, want) {
			v.add("V5", key+" of the request spec", want, got)
		}
	}
	if got, ok := spec["is_bfv"].(bool); !ok {
		v.add("V5", "is_bfv of the request spec", "true or false", spec["is_bfv"])
	} else {
		must(v, "V5", "is_bfv of the request spec", v.bootsFromVolume(), got)
	}
	v.specFlavor(spec)
	v.specImage(spec)
}

func (v *verifier) specFlavor(spec map[string]any) {
	text, err := json.Marshal(spec["flavor"])
	if err != nil {
		v.add("V5", "flavor of the request spec", "a flavor that Nova can load", err)
		return
	}
	flavor, err := parseFlavor(text)
	if err != nil {
		v.add("V5", "flavor of the request spec", "a flavor that Nova can load", err)
		return
	}
	stored := v.storedFlavor()
	if stored == nil {
		return // said by V6
	}
	for _, f := range flavorFields {
		if !reflect.DeepEqual(flavor[f], stored[f]) {
			v.add("V5", f+" of the request spec's flavor", stored[f], flavor[f])
		}
	}
}

// bootsFromVolume is nova/compute/utils.py, is_volume_backed_instance.
func (v *verifier) bootsFromVolume() bool {
	for _, d := range v.cell.devices[v.uuid] {
		if d.root() {
			return d.DestinationType == "volume"
		}
	}
	return v.row.ImageRef == ""
}

// flavorRow is V19.
func (v *verifier) flavorRow() {
	same(v, "V19", "vcpus", v.expect.Flavor.VCPUs, v.row.VCPUs)
	same(v, "V19", "memory_mb", v.expect.Flavor.MemoryMB, v.row.MemoryMB)
	same(v, "V19", "root_gb", v.expect.Flavor.RootGB, v.row.RootGB)
	same(v, "V19", "ephemeral_gb", v.expect.Flavor.EphemeralGB, v.row.EphemeralGB)
	stored := v.storedFlavor()
	if stored == nil {
		return // said by V6
	}
	id, _ := stored["flavorid"].(string)
	same(v, "V19", "flavor", v.expect.Flavor.FlavorID, id)
	f, ok := v.flavors[id]
	if !ok {
		v.add("V19", "flavor in the API database", id, "none with this id")
		return
	}
	specs := map[string]any{}
	for k, s := range f.ExtraSpecs {
		specs[k] = s
	}
	row := map[string]any{
		"name": f.Name, "vcpus": float64(f.VCPUs), "memory_mb": float64(f.MemoryMB), "root_gb": float64(f.RootGB),
		"ephemeral_gb": float64(f.EphemeralGB), "swap": float64(f.SwapMB), "extra_specs": specs, "id": float64(f.ID),
	}
	for _, key := range []string{"id", "name", "vcpus", "memory_mb", "root_gb", "ephemeral_gb", "swap", "extra_specs"} {
		if !reflect.DeepEqual(row[key], stored[key]) {
			v.add("V19", key+" of flavor "+id+", stored and in the API database", row[key], stored[key])
		}
	}
}
