-- What stays of an archived file without the visitors at work, as retention/archived writes it.
-- Grain: one row an event.
-- Parameters: users.
select * replace (toString(event_id) as event_id, toString(batch_id) as batch_id)
from events_rebuild
where not (
        (site_id, visitor_id) in (select site_id, visitor_id from work_visitors)
        or visitor_id in (select visitor_id from events_rebuild where has({users:Array(String)}, user_id))
    )
order by local_date, visitor_id, timestamp
