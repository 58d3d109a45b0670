-- Copies a month of events without those of an import. Parameters: site, import_id, month (YYYYMM).
insert into events_rebuild
select *
from events
where toYYYYMM(local_date) = {month:UInt32} and not (site_id = {site:UInt32} and import_id = {import_id:String})
