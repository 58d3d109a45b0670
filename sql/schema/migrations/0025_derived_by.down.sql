drop table if exists derived_by;
