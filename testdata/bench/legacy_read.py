#!/usr/bin/python3
"""Reads a libvirt host the way the scripts of 2012 did: one domain after the
other, three definitions each, parsed with ElementTree. It is what the scan is
compared with.

    legacy_read.py URI

Prints the number of domains and the seconds it took, without the start of the
interpreter.
"""
import sys
import time
import xml.etree.ElementTree as ET

import libvirt


def read(conn, name):
    dom = conn.lookupByName(name)
    root = ET.fromstring(dom.XMLDesc(0))
    disks = [d.find("source").get("file") for d in root.findall("devices/disk") if d.find("source") is not None]
    root = ET.fromstring(dom.XMLDesc(0))
    nics = [(i.find("mac").get("address"), i.find("source").get("bridge")) for i in root.findall("devices/interface")]
    root = ET.fromstring(dom.XMLDesc(0))
    arch = root.find("os/type").get("arch")
    # maxVcpus() for a domain that is off: the plain call has no answer there.
    vcpus = dom.vcpusFlags(libvirt.VIR_DOMAIN_VCPU_CONFIG | libvirt.VIR_DOMAIN_VCPU_MAXIMUM)
    info = dom.info()
    size = dom.blockInfo(disks[0], 0)[0] if disks else 0
    return (conn.getHostname(), name, dom.UUIDString(), arch, vcpus, info[1], size, disks, nics)


def main():
    began = time.monotonic()
    conn = libvirt.openReadOnly(sys.argv[1])
    found = [read(conn, name) for name in conn.listDefinedDomains()]
    for running in conn.listDomainsID():
        found.append(read(conn, conn.lookupByID(running).name()))
    print(len(found), time.monotonic() - began)


main()
