-- What the rows of a day add up to. Grain: one row a site and day. Hashes wrap. Reads the table, or its closed months,
-- whose day is their first.
select
    site_id,
    local_date as day,
    sum(t.pageviews) as n,
    sum(t.checksum) as checksum,
    sum(t.pageviews * cityHash64(toUInt8(t.bot), toString(t.hostname), t.path)) as keys
from daily_pages as t
group by site_id, day
