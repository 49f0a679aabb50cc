package nova

import (
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// What this package writes is what it calls sound: every kind of instance, in
// every release, from the first row to the last; and a release leaves nothing.
func TestVerifyAdopted(t *testing.T) {
	kinds := map[string]func() Instance{
		"linux": linuxVirtio, "windows": windowsE1000, "two data disks": twoDataDisks, "two ports": twoPorts, "no ports": noPorts,
	}
	for _, r := range schema.Releases {
		for name, kind := range kinds {
			t.Run(r.Name+" "+name, func(t *testing.T) {
				in := kind()
				f := newFixture(t, r.Name, func(s *schema.Seed) {
					s.Flavors = []schema.FlavorSeed{flavorSeed(in.Flavor)}
				})
				in.Flavor.ID = 1
				w := f.writer()
				w.now = func() time.Time { return time.Now().UTC() }
				f.adopt(w, []Instance{in}, Mapped)
				e := Expect{
					UUID: in.UUID, DisplayName: in.DisplayName, ProjectID: in.ProjectID, UserID: in.UserID, Host: "kvm01", Node: "kvm01",
					AvailabilityZone: "az1", Flavor: in.Flavor, ImageRef: in.ImageRef, Disks: in.Disks, Ports: in.Ports, OSType: in.OSType,
					NICModel: in.ImageProperties["hw_vif_model"], Locked: new(bool), Properties: in.properties(),
				}
				codes := map[string]bool{}
				for _, v := range verify(t, w.cloud, e) {
					codes[v.Code] = true
				}
				if !codes["V8"] || !codes["V9"] {
					t.Errorf("half written: %v, want V8 and V9 among them", codes)
				}
				if err := w.Finish(t.Context(), finals([]Instance{in})); err != nil {
					t.Fatal(err)
				}
				for _, v := range verify(t, w.cloud, e) {
					t.Error(v)
				}
				if err := w.Delete(t.Context(), in.UUID); err != nil {
					t.Fatal(err)
				}
				for _, v := range verify(t, w.cloud, Expect{UUID: in.UUID, Absent: true}) {
					t.Error(v)
				}
			})
		}
	}
}

func flavorSeed(f Flavor) schema.FlavorSeed {
	return schema.FlavorSeed{
		ID: f.FlavorID, Name: f.Name, VCPUs: f.VCPUs, MemoryMB: f.MemoryMB, RootGB: f.RootGB, EphemeralGB: f.EphemeralGB,
		Swap: f.SwapMB, Private: !f.Public, ExtraSpecs: f.ExtraSpecs,
	}
}
