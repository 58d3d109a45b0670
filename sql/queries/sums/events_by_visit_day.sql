-- Raw events by the day on which their visit started. Grain: one row a site and day. Sums of hashes wrap.
select
    site_id,
    visit_date as day,
    count() as n,
    countIf(e.name = 'page_view') as pageviews,
    countIf(e.interactive) as interactions,
    sum(toUInt64(e.engagement_ms)) as engagement_ms,
    toInt64(sum(toDecimal128(e.revenue, 4)) * 10000) as revenue,
    sum(cityHash64(e.event_id, e.visit_id)) as checksum,
    sum(cityHash64(e.visitor_id, e.visit_id)) as keys
from events as e
group by site_id, day
