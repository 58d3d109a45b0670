-- Writes one version of a site; when it was created stays as it was, and when it was archived while it is so.
-- Parameters: site_id, domain, timezone, currency, identity, max_age_days, events_per_second, archived,
-- contact_data.
insert into sites (
    site_id, domain, timezone, currency, identity, max_age_days, events_per_second, created_at, updated_at, archived_at,
    contact_data
)
select
    {site_id:UInt32}, {domain:String}, {timezone:String}, {currency:String}, {identity:String},
    {max_age_days:UInt16}, {events_per_second:UInt32}, if(count() = 0, now64(3), min(created_at)), now64(3),
    if({archived:Bool}, coalesce(argMax(archived_at, updated_at), now64(3)), null), {contact_data:String}
from sites
where site_id = {site_id:UInt32}
