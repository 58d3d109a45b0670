-- All sites, newest version of each. Grain: one row a site, by id.
select site_id, domain, timezone, currency, identity, max_age_days, events_per_second
from sites final
order by site_id
