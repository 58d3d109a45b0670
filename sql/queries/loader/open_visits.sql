-- Stored visits of the batch's visitors. Grain: one row a visit. Times in ms since 1970 UTC.
-- Parameters: first, last (local dates of visit starts to look at), after, before (ms since 1970 UTC; visits that
-- ended before the one or began after the other cannot touch the batch). A visit whose raw events were removed is not
-- open: it could not be derived again.
with (select (sites, since) from raw_horizons) as raw
select
    site_id,
    visitor_id,
    visit_id,
    visit_date,
    toUnixTimestamp64Milli(min(v.started)) as started,
    toUnixTimestamp64Milli(max(v.ended)) as ended
from visits as v
where visit_date between {first:Date} and {last:Date}
    and visit_date >= transform(site_id, raw.1, raw.2, toDate(0))
    and (site_id, visitor_id) in (select site_id, visitor_id from load_probe_visitors)
group by site_id, visit_date, visitor_id, visit_id
having ended >= {after:Int64} and started <= {before:Int64}
