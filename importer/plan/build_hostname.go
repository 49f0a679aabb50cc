package plan

import "github.com/lightcloud/kvm2openstack/nova"

// hostnameOf is the host name Nova itself would give an instance of that name.
func hostnameOf(displayName, uuid string) string {
	return nova.SanitizeHostname(displayName, "Server-"+uuid)
}
