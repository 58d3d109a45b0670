-- A site is not known from now on. Its domain stays until its rows are gone, so that the removal can go on.
-- Parameter: site_id.
insert into sites (
    site_id, domain, timezone, currency, identity, max_age_days, events_per_second, created_at, updated_at,
    archived_at, removed_at, contact_data
)
select
    site_id, domain, timezone, currency, identity, max_age_days, events_per_second, created_at, now64(3),
    coalesce(archived_at, now64(3)), now64(3), contact_data
from sites final
where site_id = {site_id:UInt32} and removed_at is null
