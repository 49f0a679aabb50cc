package nova

// flavorData is Flavor 1.2 (nova/objects/flavor.py). All numbers and
// extra_specs must be there: an absent one raises when Nova touches it, which
// is at the first listing.
type flavorData struct {
	ID          int64             `json:"id"` // flavors.id
	Name        string            `json:"name"`
	MemoryMB    int               `json:"memory_mb"`
	VCPUs       int               `json:"vcpus"`
	RootGB      int               `json:"root_gb"`
	EphemeralGB int               `json:"ephemeral_gb"`
	FlavorID    string            `json:"flavorid"`
	SwapMB      int               `json:"swap"`
	RxTxFactor  float             `json:"rxtx_factor"`
	VCPUWeight  int               `json:"vcpu_weight"`
	Disabled    bool              `json:"disabled"`
	Public      bool              `json:"is_public"`
	ExtraSpecs  map[string]string `json:"extra_specs"`
	Description *string           `json:"description"` // always null in a stored flavor
	CreatedAt   *string           `json:"created_at"`
	UpdatedAt   *string           `json:"updated_at"`
	DeletedAt   *string           `json:"deleted_at"`
	Deleted     bool              `json:"deleted"`
}

// flavorObject is the flavor's envelope, as instance_extra and request_specs
// both hold it.
func flavorObject(f Flavor) object {
	specs := f.ExtraSpecs
	if specs == nil {
		specs = map[string]string{} // null would not load
	}
	factor := f.RxTxFactor
	if factor == 0 {
		factor = 1 // Nova's default; the column of an old flavor may be NULL
	}
	return newObject("Flavor", flavorVersion, flavorData{
		ID: f.ID, Name: f.Name, MemoryMB: f.MemoryMB, VCPUs: f.VCPUs,
		RootGB: f.RootGB, EphemeralGB: f.EphemeralGB, FlavorID: f.FlavorID, SwapMB: f.SwapMB,
		RxTxFactor: float(factor), VCPUWeight: f.VCPUWeight, Disabled: f.Disabled, Public: f.Public,
		ExtraSpecs: specs, CreatedAt: blobTime(f.CreatedAt),
	})
}

// An extraFlavor is instance_extra.flavor. Old and New are null outside a
// resize, but the keys must be there: their absence is a KeyError for every
// instance of the host (nova/objects/instance.py, _flavor_from_db).
type extraFlavor struct {
	Cur object  `json:"cur"`
	Old *object `json:"old"`
	New *object `json:"new"`
}

func flavorBlob(f Flavor) (string, error) {
	return encode(extraFlavor{Cur: flavorObject(f)}, maxText)
}

// keyPairsBlob is an empty list: which key once went into the guest is not
// Nova's to know.
func keyPairsBlob() (string, error) {
	return encode(newObject("KeyPairList", keyPairListVersion, objectList{Objects: []object{}}), maxText)
}
