drop view if exists exported_members;

drop table if exists exports;

drop table if exists export_members;

drop table if exists work_export;
