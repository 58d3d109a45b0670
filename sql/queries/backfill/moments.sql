-- The first and last moment that a site's events or visits have, in seconds since 1970 UTC. Grain: one row.
-- Parameters: site.
select
    toInt64(toUnixTimestamp(least(min(timestamp), min(visit_start)))) as first,
    toInt64(toUnixTimestamp(greatest(max(timestamp), max(visit_start)))) as last
from events
where site_id = {site:UInt32}
