-- Days of an import's events of a month, and those on which their visits began. Grain: one row a day.
-- Parameters: site, import_id, month (YYYYMM).
select distinct arrayJoin([local_date, visit_date]) as day
from events
where site_id = {site:UInt32} and import_id = {import_id:String} and toYYYYMM(local_date) = {month:UInt32}
order by day
