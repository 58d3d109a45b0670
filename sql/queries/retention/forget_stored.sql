-- Takes out of what was read from an archive the events that are stored already.
-- Parameters: site, first, last (local dates).
delete from events_rebuild
where (site_id, event_id) in (
    select site_id, event_id
    from events
    where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date}
)
