-- Events of an import. Grain: one row a month (YYYYMM) of local days. Parameters: site, import_id.
select toYYYYMM(local_date) as month, count() as events
from events
where site_id = {site:UInt32} and import_id = {import_id:String}
group by month
order by month
