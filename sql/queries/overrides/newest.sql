-- The number of the newest override. Grain: one row.
select max(override_id) as override_id from event_overrides
