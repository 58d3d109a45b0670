-- Which of the batch's event ids are stored already. Grain: one row an id. Parameters: first, last (local dates
-- between which the idempotency window lies).
select distinct
    site_id,
    event_id
from events
where site_id in (select site_id from load_probe_events)
    and local_date between {first:Date} and {last:Date}
    and event_id in (select event_id from load_probe_events)
