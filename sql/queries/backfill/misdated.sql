-- Events on another local day than the zone's. Grain: one row a month (YYYYMM).
-- Parameters: site, starts, offsets (as of `dated`).
with
    dated(timestamp, {starts:Array(Int64)}, {offsets:Array(Int64)}) as day,
    dated(visit_start, {starts:Array(Int64)}, {offsets:Array(Int64)}) as began
select toYYYYMM(local_date) as month, count() as events, countIf(toYYYYMM(day) != month) as moved
from events
where site_id = {site:UInt32} and (local_date != day or visit_date != began)
group by month
order by month
