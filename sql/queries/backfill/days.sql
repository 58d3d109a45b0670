-- Days of raw events, and days on which their visits started. Grain: one row a site and day.
-- Parameters: sites, first, last (local dates of events).
select distinct site_id, arrayJoin([local_date, visit_date]) as day
from events
where site_id in {sites:Array(UInt32)} and local_date between {first:Date} and {last:Date}
order by day, site_id
