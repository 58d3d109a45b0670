-- What the rows of a day add up to. Grain: one row a site and day. Hashes wrap. Reads the table, or its closed months,
-- whose day is their first.
select
    site_id,
    local_date as day,
    sum(t.events) as n,
    toInt64(sum(t.revenue) * 10000) as revenue,
    sum(t.checksum) as checksum,
    sum(t.events * cityHash64(toUInt8(t.bot), toString(t.name))) as keys
from daily_events as t
group by site_id, day
