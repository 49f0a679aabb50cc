CREATE TABLE `k2o_shared` (`id` integer PRIMARY KEY AUTOINCREMENT,`kind` text,`project` text,`name` text,`cloud_id` text,`run` integer,`begun` datetime,`made` datetime,`gone` datetime);
CREATE UNIQUE INDEX `kind_project_name` ON `k2o_shared`(`kind`,`project`,`name`);
INSERT INTO k2o_shared VALUES(1,'flavor','p','legacy.2c4096m40g','f1',1,'2026-08-21 10:00:00+00:00','2026-08-21 10:00:01+00:00',NULL);
UPDATE k2o_shape SET version = 2;
