# shellcheck shell=bash
# For a shell that wants to use the lab:  . testdata/lab/env.sh
#   openstack server list --long --all-projects      as the administrator
#   openstack --os-cloud k2o-lab-legacy server list  as the owner of the guests
#   kvm2openstack audit
export OS_CLIENT_CONFIG_FILE=/var/lib/k2o-lab/clouds.yaml
export OS_CLOUD=k2o-lab
export K2O_LAB_CLOUD=k2o-lab # what the tests log in to
K2O_LAB_RELEASE=$(cat /etc/k2o-lab-release 2>/dev/null || echo zed)
# shellcheck source=/dev/null
read -r K2O_LAB_L2_AGENT K2O_LAB_VIF_TYPE < <(. "$(dirname "${BASH_SOURCE[0]}")/releases/$K2O_LAB_RELEASE.sh" && echo "$L2_AGENT $VIF_TYPE")
export K2O_LAB_RELEASE K2O_LAB_L2_AGENT K2O_LAB_VIF_TYPE
export LIBVIRT_DEFAULT_URI=qemu:///system
export KVM2OPENSTACK_CONFIG=/var/lib/k2o-lab/kvm2openstack.yaml
set -a # nova.env is a list of variables: passwords and addresses of the databases
# shellcheck source=/dev/null
. /var/lib/k2o-lab/nova.env
set +a
