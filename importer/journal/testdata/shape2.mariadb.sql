CREATE TABLE `k2o_shared` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `kind` varchar(16) DEFAULT NULL,
  `project` varchar(64) DEFAULT NULL,
  `name` varchar(255) DEFAULT NULL,
  `cloud_id` varchar(255) DEFAULT NULL,
  `run` bigint(20) DEFAULT NULL,
  `begun` datetime(3) DEFAULT NULL,
  `made` datetime(3) DEFAULT NULL,
  `gone` datetime(3) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `kind_project_name` (`kind`,`project`,`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO `k2o_shared` VALUES (1,'flavor','p','legacy.2c4096m40g','f1',1,'2026-08-21 10:00:00.000','2026-08-21 10:00:01.000',NULL);
UPDATE `k2o_shape` SET version = 2;
