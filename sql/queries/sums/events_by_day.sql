-- Raw events by their local day. Grain: one row a site and day. Sums of hashes wrap.
select
    site_id,
    local_date as day,
    count() as n,
    toInt64(sum(toDecimal128(e.revenue, 4)) * 10000) as revenue,
    sum(cityHash64(e.event_id)) as checksum,
    sum(cityHash64(toUInt8(e.bot), toString(e.name))) as keys
from events as e
group by site_id, day
