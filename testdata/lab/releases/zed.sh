# shellcheck shell=bash
# OpenStack Zed, Nova 26: the packages of Debian 12, on this machine itself.
# What a release changes is here, under the same names as in its siblings.

# The names are for the scripts that source this file.
# shellcheck disable=SC2034

DEBIAN=12
SUITE=           # of the root file system that the lab has of its own: none
SWITCHES=()      # daemons that must run before the agent
L2_DRIVER=linuxbridge
L2_AGENT=neutron-linuxbridge-agent
VIF_TYPE=bridge # with which Neutron binds a port
FIREWALL=iptables
HEAL_INTERVAL=15 # Nova refills an info cache; every quarter of a minute here
COMPUTE_API=2.92 # the newest that Debian 12's client knows; Zed itself ends at 2.93
RELEASE_PACKAGES=(neutron-linuxbridge-agent)

# What test.sh runs of itself: everything named so.
USUAL_TESTS=Lab
USUAL_SHAPES=
USUAL_PACKAGES=(./importer/openstack ./rename ./cmd/kvm2openstack)

# connect_switch: the agent takes the uplink into a bridge of its own.
connect_switch() { :; }

# first_start: nova-compute takes a host with guests as any other.
first_start() { :; }
