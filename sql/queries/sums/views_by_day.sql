-- Raw page views by their local day. Grain: one row a site and day. Sums of hashes wrap.
select
    site_id,
    local_date as day,
    count() as n,
    sum(cityHash64(e.event_id)) as checksum,
    sum(cityHash64(toUInt8(e.bot), toString(e.hostname), e.path)) as keys
from events as e
where e.name = 'page_view'
group by site_id, day
