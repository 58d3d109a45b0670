-- How many events an override decides at present. Grain: one row. Parameters: id, since.
select count() as events
from detected_events
where site_id in (select site_id from event_overrides where override_id = {id:UInt32})
    and local_date >= {since:Date}
    and override_id = {id:UInt32}
