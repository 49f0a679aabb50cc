CREATE TABLE `k2o_adoptions` (
  `uuid` varchar(36) NOT NULL,
  `host` varchar(255) DEFAULT NULL,
  `domain` text DEFAULT NULL,
  `display_name` text DEFAULT NULL,
  `cell` varchar(36) DEFAULT NULL,
  `compute_host` varchar(255) DEFAULT NULL,
  `instance_id` bigint(20) DEFAULT NULL,
  `instance_name` varchar(255) DEFAULT NULL,
  `state` varchar(16) DEFAULT NULL,
  `reason` text DEFAULT NULL,
  `plan` longtext DEFAULT NULL,
  `definition` longtext DEFAULT NULL,
  `run` bigint(20) DEFAULT NULL,
  `updated` datetime(3) DEFAULT NULL,
  PRIMARY KEY (`uuid`),
  KEY `idx_k2o_adoptions_host` (`host`),
  KEY `idx_k2o_adoptions_state` (`state`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO `k2o_adoptions` VALUES ('u1','kvm01','web','web','c1','kvm01',7,'instance-00000007','imported','','domain: {domain: web}','<domain/>',1,'2026-08-21 10:00:01.000');
CREATE TABLE `k2o_runs` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `started` datetime(3) DEFAULT NULL,
  `ended` datetime(3) DEFAULT NULL,
  `who` varchar(255) DEFAULT NULL,
  `host` varchar(255) DEFAULT NULL,
  `pid` bigint(20) DEFAULT NULL,
  `command` text DEFAULT NULL,
  `version` varchar(64) DEFAULT NULL,
  `plan_digest` varchar(80) DEFAULT NULL,
  `outcome` text DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO `k2o_runs` VALUES (1,'2026-08-21 10:00:00.000','2026-08-21 10:00:00.000','root','admin1',4711,'kvm2openstack import plan.yaml','test','','1 imported');
CREATE TABLE `k2o_shape` (
  `id` bigint(20) NOT NULL,
  `version` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO `k2o_shape` VALUES (1,1);
CREATE TABLE `k2o_steps` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `run` bigint(20) DEFAULT NULL,
  `uuid` varchar(36) DEFAULT NULL,
  `step` varchar(32) DEFAULT NULL,
  `begun` datetime(3) DEFAULT NULL,
  `ended` datetime(3) DEFAULT NULL,
  `error` text DEFAULT NULL,
  `made` longtext DEFAULT NULL,
  `undo_begun` datetime(3) DEFAULT NULL,
  `undone` datetime(3) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `run_domain_step` (`run`,`uuid`,`step`),
  KEY `domain` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO `k2o_steps` VALUES (1,1,'u1','records','2026-08-21 10:00:00.000','2026-08-21 10:00:01.000','','{\"id\":7}',NULL,NULL);
