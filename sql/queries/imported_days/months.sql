-- Rows of an import. Grain: one row a month (YYYYMM). Parameters: site, import_id.
select toYYYYMM(day) as month, count() as rows
from imported_days
where site_id = {site:UInt32} and import_id = {import_id:String}
group by month
order by month
