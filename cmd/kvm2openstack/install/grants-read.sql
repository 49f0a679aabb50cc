-- What audit, plan, verify, status and sync need of Nova's databases: to read
-- these tables, and nothing else.
--
--   create user 'kvm2openstack_ro'@'%' identified by '...'
--   then: mariadb nova_api < grants-read.sql
--
-- The databases are called nova_api and nova here, the latter once more for
-- each cell. cell0 is not needed. Leave no table out: one that this user cannot
-- see counts as one that the release does not have. For the same reason a
-- statement that ends with "no such table" is one for another release; give
-- mariadb --force.
--
-- database_connection in cell_mappings stays hidden, for it holds the password
-- of Nova's own user, who may write. So the configuration names the cells:
--
--   nova:
--     api_database: mysql+pymysql://kvm2openstack_ro:...@db1/nova_api
--     cells: {cell1: "mysql+pymysql://kvm2openstack_ro:...@db1/nova"}

grant select (id, uuid, name, disabled) on nova_api.cell_mappings to 'kvm2openstack_ro'@'%';
grant select on nova_api.host_mappings to 'kvm2openstack_ro'@'%';
grant select on nova_api.aggregate_hosts to 'kvm2openstack_ro'@'%';
grant select on nova_api.aggregate_metadata to 'kvm2openstack_ro'@'%';
grant select on nova_api.flavors to 'kvm2openstack_ro'@'%';
grant select on nova_api.flavor_extra_specs to 'kvm2openstack_ro'@'%';
grant select on nova_api.flavor_projects to 'kvm2openstack_ro'@'%';
grant select on nova_api.quotas to 'kvm2openstack_ro'@'%';
grant select on nova_api.quota_classes to 'kvm2openstack_ro'@'%';
grant select on nova_api.instance_mappings to 'kvm2openstack_ro'@'%';
grant select on nova_api.request_specs to 'kvm2openstack_ro'@'%';
grant select on nova_api.build_requests to 'kvm2openstack_ro'@'%';

grant select on nova.services to 'kvm2openstack_ro'@'%';
grant select on nova.compute_nodes to 'kvm2openstack_ro'@'%';
grant select on nova.instances to 'kvm2openstack_ro'@'%';
grant select (id, uuid) on nova.shadow_instances to 'kvm2openstack_ro'@'%';
grant select on nova.instance_extra to 'kvm2openstack_ro'@'%';
grant select on nova.instance_info_caches to 'kvm2openstack_ro'@'%';
grant select on nova.instance_system_metadata to 'kvm2openstack_ro'@'%';
grant select on nova.instance_metadata to 'kvm2openstack_ro'@'%';
grant select on nova.instance_faults to 'kvm2openstack_ro'@'%';
grant select on nova.instance_actions to 'kvm2openstack_ro'@'%';
grant select on nova.instance_id_mappings to 'kvm2openstack_ro'@'%';
grant select on nova.block_device_mapping to 'kvm2openstack_ro'@'%';
grant select on nova.virtual_interfaces to 'kvm2openstack_ro'@'%';
grant select on nova.security_group_instance_association to 'kvm2openstack_ro'@'%';
grant select on nova.migrations to 'kvm2openstack_ro'@'%';
grant select on nova.tags to 'kvm2openstack_ro'@'%';
grant select (instance_uuid) on nova.console_auth_tokens to 'kvm2openstack_ro'@'%';

-- The revision of the schema: since Xena the first, before it the second.
grant select on nova_api.alembic_version to 'kvm2openstack_ro'@'%';
grant select on nova.alembic_version to 'kvm2openstack_ro'@'%';
grant select on nova_api.migrate_version to 'kvm2openstack_ro'@'%';
grant select on nova.migrate_version to 'kvm2openstack_ro'@'%';
-- Since 2024.1.
grant select on nova.share_mapping to 'kvm2openstack_ro'@'%';
