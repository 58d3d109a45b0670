-- Copies a month of events with visits as `backfill_values` says, by the hash of a visit and a moment: its id, start
-- (ms since 1970 UTC) and day. Parameters: site, month (YYYYMM).
insert into events_rebuild
select
    e.* except (key) replace (
        if(has_made, toUInt64OrZero(m.made[1]), e.visit_id) as visit_id,
        if(has_made, fromUnixTimestamp64Milli(toInt64OrZero(m.made[2]), 'UTC'), e.visit_start) as visit_start,
        if(has_made, toDateOrZero(m.made[3]), e.visit_date) as visit_date
    )
from (
    select
        *,
        if(site_id = {site:UInt32}, cityHash64(visitor_id, visit_id, toUnixTimestamp64Milli(timestamp)), 0) as key
    from events
    where toYYYYMM(local_date) = {month:UInt32}
) as e
any left join (select key, made, true as has_made from backfill_values) as m on m.key = e.key
