-- Months (YYYYMM) in which sites have raw events. Grain: one row a month. Parameters: sites, first, last (local dates).
select distinct toYYYYMM(local_date) as month
from events
where site_id in {sites:Array(UInt32)} and local_date between {first:Date} and {last:Date}
order by month
