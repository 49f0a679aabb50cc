UPDATE k2o_shape SET version = 3;
