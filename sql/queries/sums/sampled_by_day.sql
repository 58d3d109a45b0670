-- Raw events that stand for more than themselves, by their local day. Grain: one row a site and day. Sums of hashes
-- wrap.
select
    site_id,
    local_date as day,
    count() as n,
    sum(cityHash64(e.event_id)) as checksum,
    min(sample_weight(e.props_number)) as lightest,
    max(sample_weight(e.props_number)) as heaviest
from events as e
where sample_weight(e.props_number) > 1000000
group by site_id, day
