#!/usr/bin/python3
"""Furnishes the lab's cloud through its APIs; what is there is kept.

cloud.py identity       users, roles and the catalogue: needs Keystone alone
cloud.py compute IMAGE  a network, flavors, an image; waits for nova-compute

One process, because each call of the openstack client takes two seconds.
"""
import sys
import time

import openstack

PASSWORD = None  # of the administrator, and of every service here
CATALOGUE = {
    "glance": ("image", "http://127.0.0.1:9292"),
    "placement": ("placement", "http://127.0.0.1:8778"),
    "neutron": ("network", "http://127.0.0.1:9696"),
    "nova": ("compute", "http://127.0.0.1:8774/v2.1"),
}


def user(cloud, name, project, *roles):
    """A user with roles in a project."""
    found = cloud.identity.find_user(name) or cloud.identity.create_user(
        name=name, password=PASSWORD, domain_id="default")
    for role in roles:
        there = cloud.identity.find_role(role) or cloud.identity.create_role(name=role)
        cloud.identity.assign_project_role_to_user(project, found, there)


def project(cloud, name):
    return cloud.identity.find_project(name) or cloud.identity.create_project(
        name=name, domain_id="default")


def catalogue(cloud):
    """Services and their endpoints."""
    services = {s.name: s for s in cloud.identity.services()}
    endpoints = {(e.service_id, e.interface) for e in cloud.identity.endpoints()}
    for name, (kind, url) in CATALOGUE.items():
        service = services.get(name) or cloud.identity.create_service(name=name, type=kind)
        for interface in ("public", "internal", "admin"):
            if (service.id, interface) not in endpoints:
                cloud.identity.create_endpoint(
                    service_id=service.id, interface=interface, url=url, region_id="RegionOne")


def identity(cloud):
    service = project(cloud, "service")
    for name in CATALOGUE:
        user(cloud, name, service, "admin", "service")
    # Whom the adopted instances are to belong to.
    user(cloud, "legacy-user", project(cloud, "legacy"), "member")
    catalogue(cloud)


def network(cloud):
    """legacy-net, on the segment of the legacy bridge, usable by all projects.
    Its pool lies above the addresses that the fleet has."""
    net = cloud.network.find_network("legacy-net") or cloud.network.create_network(
        name="legacy-net", is_shared=True, provider_network_type="flat",
        provider_physical_network="physlegacy")
    subnet = cloud.network.find_subnet("legacy-subnet") or cloud.network.create_subnet(
        name="legacy-subnet", network_id=net.id, ip_version=4, cidr="10.66.0.0/24",
        gateway_ip="10.66.0.1", is_dhcp_enabled=False,
        allocation_pools=[{"start": "10.66.0.200", "end": "10.66.0.250"}])
    # By an address that nobody has, to one for documentation: for Nova's info
    # cache. No guest takes it, for there is no DHCP.
    routes = [{"destination": "198.51.100.0/24", "nexthop": "10.66.0.254"}]
    if subnet.host_routes != routes:
        cloud.network.update_subnet(subnet, host_routes=routes)


def reachable(cloud, name):
    """Lets a project's default security group pass what the tests send: ping
    and HTTP. Asking for its groups makes Neutron create the default one."""
    owner = cloud.identity.find_project(name).id
    group = next(cloud.network.security_groups(project_id=owner, name="default"))
    for rule in ({"protocol": "icmp"}, {"protocol": "tcp", "port_range_min": 80, "port_range_max": 80}):
        there = cloud.network.security_group_rules(
            security_group_id=group.id, direction="ingress", protocol=rule["protocol"])
        if not any(True for _ in there):
            cloud.network.create_security_group_rule(
                security_group_id=group.id, direction="ingress", ethertype="IPv4",
                project_id=owner, **rule)


def flavors(cloud):
    for name, vcpus, ram, disk in (("lab.1", 1, 192, 1), ("lab.2", 2, 256, 2)):
        if not cloud.compute.find_flavor(name):
            cloud.compute.create_flavor(name=name, vcpus=vcpus, ram=ram, disk=disk)


def image(cloud, path):
    if not cloud.image.find_image("lab-guest"):
        cloud.create_image("lab-guest", filename=path, disk_format="qcow2",
                           container_format="bare", visibility="public", wait=True)


def wait_for_compute(cloud):
    """Until Nova has a hypervisor to schedule to."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if any(h.state == "up" for h in cloud.compute.hypervisors(details=True)):
            return
        time.sleep(1)
    sys.exit("nova-compute does not report itself")


def compute(cloud, path):
    network(cloud)
    for name in ("admin", "legacy"):
        reachable(cloud, name)
    flavors(cloud)
    image(cloud, path)
    wait_for_compute(cloud)


def main():
    global PASSWORD
    cloud = openstack.connect(cloud="k2o-lab")
    PASSWORD = cloud.config.config["auth"]["password"]
    {"identity": identity, "compute": compute}[sys.argv[1]](cloud, *sys.argv[2:])


main()
