-- Derives: sampled_days. Grain: site and local day with events that stand for more than themselves. Partition:
-- local_date.
select
    site_id,
    local_date,
    count() as events,
    min(sample_weight(e.props_number)) as lightest,
    max(sample_weight(e.props_number)) as heaviest,
    sum(cityHash64(e.event_id)) as checksum
from events as e
where sample_weight(e.props_number) > 1000000
group by site_id, local_date
