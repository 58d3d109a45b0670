-- Days of the events of the visitors at work, and those on which their visits started. Grain: one row a site and day.
select distinct site_id, arrayJoin([local_date, visit_date]) as day
from events
where (site_id, visitor_id) in (select site_id, visitor_id from work_visitors)
