-- All sites, newest version of each, without those that were removed. Grain: one row a site, by id.
select
    site_id, domain, timezone, currency, identity, max_age_days, events_per_second,
    cast(archived_at is not null, 'Bool') as archived, contact_data
from sites final
where removed_at is null
order by site_id
