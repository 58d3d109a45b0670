-- What stays of an archived file without the visitors at work: days, number and checksum. Grain: one row.
-- Parameters: users.
select min(local_date) as first, max(local_date) as last, count() as rows, sum(cityHash64(event_id)) as checksum
from events_rebuild
where not (
        (site_id, visitor_id) in (select site_id, visitor_id from work_visitors)
        or visitor_id in (select visitor_id from events_rebuild where has({users:Array(String)}, user_id))
    )
