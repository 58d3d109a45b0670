-- Which of the batch's event ids are stored already, as their 16 bytes (ClickHouse 25.8 has no UUID in Arrow).
-- Grain: one row an id. Parameters: first, last (local dates between which the idempotency window lies).
select distinct
    site_id,
    UUIDToNum(e.event_id) as event_id
from events as e
where site_id in (select site_id from load_probe_events)
    and local_date between {first:Date} and {last:Date}
    and e.event_id in (select event_id from load_probe_events)
