-- Ids of events on local dates from `since` on. Grain: one row an event. Parameter: since.
select site_id, event_id from events where local_date >= {since:Date}
