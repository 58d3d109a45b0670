-- Ids of events on local dates from `since` on, as their 16 bytes (ClickHouse 25.8 has no UUID in Arrow).
-- Grain: one row an event. Parameter: since.
select site_id, UUIDToNum(e.event_id) as event_id from events as e where local_date >= {since:Date}
