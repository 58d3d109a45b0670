-- How many events that belong to another month have no copy there. Grain: one row.
-- Parameters: site, starts, offsets (as of `dated`).
select count()
from events
where site_id = {site:UInt32}
    and toYYYYMM(local_date) != toYYYYMM(dated(timestamp, {starts:Array(Int64)}, {offsets:Array(Int64)}))
    and (batch_id, batch_seq) not in (
        select batch_id, batch_seq
        from events
        where site_id = {site:UInt32}
            and (toDayOfMonth(local_date) <= 2 or toDayOfMonth(local_date + 2) <= 2)
            and local_date = dated(timestamp, {starts:Array(Int64)}, {offsets:Array(Int64)})
    )
