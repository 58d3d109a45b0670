-- Raw events of a site in a month before a day, in the order in which they are stored. Grain: one row an event.
-- UUIDs are text: so every version of the engine, and every other reader, takes them.
-- Parameters: site, month (YYYYMM), until (the first local day that is left out).
select * replace (toString(event_id) as event_id, toString(batch_id) as batch_id)
from events
where site_id = {site:UInt32}
    and toYYYYMM(local_date) = {month:UInt32}
    and local_date < {until:Date}
order by local_date, visitor_id, timestamp
