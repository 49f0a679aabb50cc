-- What import, rename, release and sync --apply need of Nova's databases, and of
-- a schema of their own for the journal.
--
--   create user 'kvm2openstack'@'%' identified by '...'
--   then: mariadb --force nova_api < grants-write.sql
--
-- First all that reading needs, see grants-read.sql: what was said there of names,
-- of other releases and of cells in the configuration holds here as well.
-- Then the changes, on the tables of instances and no other. Nova's services,
-- compute_nodes, cell_mappings and flavors, and the schema itself, cannot be
-- changed by this user.

grant select (id, uuid, name, disabled) on nova_api.cell_mappings to 'kvm2openstack'@'%';
grant select on nova_api.host_mappings to 'kvm2openstack'@'%';
grant select on nova_api.aggregate_hosts to 'kvm2openstack'@'%';
grant select on nova_api.aggregate_metadata to 'kvm2openstack'@'%';
grant select on nova_api.flavors to 'kvm2openstack'@'%';
grant select on nova_api.flavor_extra_specs to 'kvm2openstack'@'%';
grant select on nova_api.flavor_projects to 'kvm2openstack'@'%';
grant select on nova_api.quotas to 'kvm2openstack'@'%';
grant select on nova_api.quota_classes to 'kvm2openstack'@'%';
grant select on nova_api.instance_mappings to 'kvm2openstack'@'%';
grant select on nova_api.request_specs to 'kvm2openstack'@'%';
grant select on nova_api.build_requests to 'kvm2openstack'@'%';

grant select on nova.services to 'kvm2openstack'@'%';
grant select on nova.compute_nodes to 'kvm2openstack'@'%';
grant select on nova.instances to 'kvm2openstack'@'%';
grant select (id, uuid) on nova.shadow_instances to 'kvm2openstack'@'%';
grant select on nova.instance_extra to 'kvm2openstack'@'%';
grant select on nova.instance_info_caches to 'kvm2openstack'@'%';
grant select on nova.instance_system_metadata to 'kvm2openstack'@'%';
grant select on nova.instance_metadata to 'kvm2openstack'@'%';
grant select on nova.instance_faults to 'kvm2openstack'@'%';
grant select on nova.instance_actions to 'kvm2openstack'@'%';
grant select on nova.instance_id_mappings to 'kvm2openstack'@'%';
grant select on nova.block_device_mapping to 'kvm2openstack'@'%';
grant select on nova.virtual_interfaces to 'kvm2openstack'@'%';
grant select on nova.security_group_instance_association to 'kvm2openstack'@'%';
grant select on nova.migrations to 'kvm2openstack'@'%';
grant select on nova.tags to 'kvm2openstack'@'%';
grant select (instance_uuid) on nova.console_auth_tokens to 'kvm2openstack'@'%';

-- The revision of the schema: since Xena the first, before it the second.
grant select on nova_api.alembic_version to 'kvm2openstack'@'%';
grant select on nova.alembic_version to 'kvm2openstack'@'%';
grant select on nova_api.migrate_version to 'kvm2openstack'@'%';
grant select on nova.migrate_version to 'kvm2openstack'@'%';
-- Since 2024.1.
grant select on nova.share_mapping to 'kvm2openstack'@'%';

-- An import writes these rows, a rename and sync --apply change some, a release
-- removes them.
grant insert, delete on nova_api.instance_mappings to 'kvm2openstack'@'%';
grant insert, update, delete on nova_api.request_specs to 'kvm2openstack'@'%';
grant insert, update, delete on nova.instances to 'kvm2openstack'@'%';
grant insert, update, delete on nova.instance_extra to 'kvm2openstack'@'%';
grant insert, delete on nova.instance_id_mappings to 'kvm2openstack'@'%';
grant insert, update, delete on nova.instance_info_caches to 'kvm2openstack'@'%';
grant insert, update, delete on nova.instance_system_metadata to 'kvm2openstack'@'%';
grant insert, delete on nova.instance_metadata to 'kvm2openstack'@'%';
grant insert, update, delete on nova.block_device_mapping to 'kvm2openstack'@'%';
grant insert, delete on nova.virtual_interfaces to 'kvm2openstack'@'%';
grant insert, delete on nova.instance_actions to 'kvm2openstack'@'%';

-- What Nova has added since to an instance that is released.
grant select (instance_uuid), delete on nova_api.instance_group_member to 'kvm2openstack'@'%';
grant select, delete on nova.instance_actions_events to 'kvm2openstack'@'%';
grant delete on nova.tags to 'kvm2openstack'@'%';
grant delete on nova.instance_faults to 'kvm2openstack'@'%';
grant delete on nova.security_group_instance_association to 'kvm2openstack'@'%';
grant delete on nova.migrations to 'kvm2openstack'@'%';
grant delete on nova.console_auth_tokens to 'kvm2openstack'@'%';
grant select (instance_uuid), delete on nova.consoles to 'kvm2openstack'@'%';
grant select (instance_uuid), delete on nova.volume_usage_cache to 'kvm2openstack'@'%';
-- What keeps one from being released.
grant select (instance_uuid, deleted) on nova.pci_devices to 'kvm2openstack'@'%';
grant select (instance_uuid, deleted) on nova.fixed_ips to 'kvm2openstack'@'%';
-- Since 2024.1.
grant delete on nova.share_mapping to 'kvm2openstack'@'%';

-- The journal, where the configuration has it on the server and not in a file:
-- create database kvm2openstack.
grant select, insert, update, delete, create, alter, index on kvm2openstack.* to 'kvm2openstack'@'%';
