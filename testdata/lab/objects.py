#!/usr/bin/python3
"""Loads servers with Nova's own objects, every lazy field of them too, and
prints what they hold as JSON: {UUID: {"instance.flavor.vcpus": 1, ...}}.

objects.py UUID...      as the user nova, who can read its configuration

A field that Nova cannot load ends it with the traceback that nova-compute
would have written.
"""
import json
import sys

from nova import config
from nova import context
from nova import objects
from nova.objects import base
from nova.objects import block_device
from nova.objects import instance_action
from nova.objects import virtual_interface


SECRET = ("database_connection", "transport_url")  # of the cell, with passwords


def everything(thing):
    """Loads every lazy field, and makes plain values of objects."""
    if isinstance(thing, base.ObjectListBase):
        return [everything(item) for item in thing.objects]
    if isinstance(thing, base.NovaObject):
        return {name: everything(value) for name, value in fields(thing)}
    if isinstance(thing, dict):
        return {str(key): everything(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple, set)):
        return [everything(item) for item in thing]
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    return str(thing)


def fields(thing):
    """The fields of an object that are set or can be loaded. Only instances
    load more than they were made with; the other objects are parts of one."""
    lazy = isinstance(thing, (objects.Instance, objects.RequestSpec))
    for name in thing.obj_fields:
        if thing.obj_attr_is_set(name):
            if name not in SECRET:
                yield name, getattr(thing, name)
        elif lazy and (value := loaded(thing, name)) is not UNKNOWN:
            yield name, value


UNKNOWN = object()


def loaded(thing, name):
    """What a lazy field loads. A request spec refuses those that it does not
    store, which is no fault of the row."""
    try:
        return getattr(thing, name)
    except Exception as error:
        if isinstance(thing, objects.RequestSpec) and type(error).__name__ == "ObjectActionError":
            return UNKNOWN
        raise


def flat(value, path, into):
    """One entry for each plain value, by its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            flat(item, path + "." + key, into)
        if not value:
            into[path] = {}
    elif isinstance(value, list):
        into[path + ".length"] = len(value)
        for n, item in enumerate(value):
            flat(item, "%s[%d]" % (path, n), into)
    else:
        into[path] = value


def load(ctxt, uuid):
    mapping = objects.InstanceMapping.get_by_instance_uuid(ctxt, uuid)
    spec = objects.RequestSpec.get_by_instance_uuid(ctxt, uuid)
    into = {}
    with context.target_cell(ctxt, mapping.cell_mapping) as cell:
        instance = objects.Instance.get_by_uuid(cell, uuid)
        parts = {
            "instance": instance,
            # As the API and nova-compute ask for it.
            "image_meta": objects.ImageMeta.from_instance(instance),
            "network": instance.get_network_info(),
            "bdms": block_device.BlockDeviceMappingList.get_by_instance_uuid(cell, uuid),
            "vifs": virtual_interface.VirtualInterfaceList.get_by_instance_uuid(cell, uuid),
            "actions": instance_action.InstanceActionList.get_by_instance_uuid(cell, uuid),
        }
        for name, part in parts.items():
            flat(everything(part), name, into)
    flat(everything(spec), "request_spec", into)
    flat(everything(mapping), "mapping", into)
    return into


def main():
    config.parse_args(["objects.py", "--config-file", "/etc/nova/nova.conf"])
    objects.register_all()
    ctxt = context.get_admin_context()
    json.dump({uuid: load(ctxt, uuid) for uuid in sys.argv[1:]}, sys.stdout, indent=1, sort_keys=True)
    print()


main()
