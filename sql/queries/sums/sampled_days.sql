-- What the rows of a day add up to. Grain: one row a site and day. Hashes wrap. Reads the table.
select
    site_id,
    local_date as day,
    sum(t.events) as n,
    sum(t.checksum) as checksum,
    min(t.lightest) as lightest,
    max(t.heaviest) as heaviest
from sampled_days as t
group by site_id, day
