-- What the rows of a day (of months: under their first day) add up to. Grain: one row a site and day. Hashes wrap.
select
    site_id,
    local_date as day,
    sum(t.events) as n,
    toInt64(sum(t.revenue) * 10000) as revenue,
    sum(t.checksum) as checksum,
    sum(t.events * cityHash64(toUInt8(t.bot), toString(t.name))) as keys
from monthly_events as t
group by site_id, day
