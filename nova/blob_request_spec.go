package nova

// A requestSpec is RequestSpec 1.13 (nova/objects/request_spec.py): what
// resize, migration, evacuation and rebuild take the instance's image
// properties and flavor from. With other properties than the instance's own a
// resize would rebuild the guest with default hardware.
type requestSpec struct {
	Image            object         `json:"image"`
	NUMATopology     *string        `json:"numa_topology"`
	PCIRequests      object         `json:"pci_requests"`
	ProjectID        string         `json:"project_id"`
	UserID           string         `json:"user_id"`
	AvailabilityZone *string        `json:"availability_zone"` // null: may be moved to any zone later
	Flavor           object         `json:"flavor"`
	NumInstances     int            `json:"num_instances"`
	IgnoreHosts      *string        `json:"ignore_hosts"`
	ForceHosts       *string        `json:"force_hosts"`
	ForceNodes       *string        `json:"force_nodes"`
	Destination      *string        `json:"requested_destination"`
	Retry            *string        `json:"retry"`
	Limits           object         `json:"limits"`
	InstanceGroup    *string        `json:"instance_group"`
	SchedulerHints   map[string]any `json:"scheduler_hints"`
	InstanceUUID     string         `json:"instance_uuid"`
	SecurityGroups   object         `json:"security_groups"`
	BootFromVolume   bool           `json:"is_bfv"` // absent would raise when asked
	Resources        []string       `json:"requested_resources"`
}

// imageData is ImageMeta 1.8 with the fields that Nova itself restores from an
// instance's system metadata (nova/utils.py, get_image_from_system_metadata).
type imageData struct {
	MinDisk         int    `json:"min_disk"` // GB
	MinRAM          int    `json:"min_ram"`  // MB
	DiskFormat      string `json:"disk_format"`
	ContainerFormat string `json:"container_format"`
	Properties      object `json:"properties"`
	ID              string `json:"id,omitempty"` // must be a UUID; left out without an image
}

type pciRequests struct {
	InstanceUUID string   `json:"instance_uuid"`
	Requests     []object `json:"requests"`
}

type limits struct {
	NUMATopology *string `json:"numa_topology"`
	VCPU         *int    `json:"vcpu"`
	DiskGB       *int    `json:"disk_gb"`
	MemoryMB     *int    `json:"memory_mb"`
}

func requestSpecBlob(in Instance, properties map[string]any) (string, error) {
	image := imageData{
		MinDisk: in.Flavor.RootGB, DiskFormat: in.imageFormat(), ContainerFormat: "bare",
		Properties: newObject("ImageMetaProps", imagePropsVersion, properties),
		ID:         in.ImageRef,
	}
	spec := requestSpec{
		Image:          newObject("ImageMeta", imageMetaVersion, image),
		PCIRequests:    newObject("InstancePCIRequests", pciRequestsVersion, pciRequests{in.UUID, []object{}}),
		ProjectID:      in.ProjectID,
		UserID:         in.UserID,
		Flavor:         flavorObject(in.Flavor),
		NumInstances:   1,
		Limits:         newObject("SchedulerLimits", schedulerLimits, limits{}),
		SchedulerHints: map[string]any{},
		InstanceUUID:   in.UUID,
		SecurityGroups: newObject("SecurityGroupList", securityGroupsVersion, objectList{Objects: []object{}}),
		Resources:      []string{},
	}
	return encode(newObject("RequestSpec", requestSpecVersion, spec), maxMediumText)
}
