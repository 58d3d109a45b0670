-- Days that misdated events and their visits lie on, and those on which they belong. Grain: one row a day.
-- Parameters: site, starts, offsets (as of `dated`).
with
    dated(timestamp, {starts:Array(Int64)}, {offsets:Array(Int64)}) as day,
    dated(visit_start, {starts:Array(Int64)}, {offsets:Array(Int64)}) as began
select distinct arrayJoin([local_date, visit_date, day, began]) as each
from events
where site_id = {site:UInt32} and (local_date != day or visit_date != began)
order by each
