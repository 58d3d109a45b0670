-- What the rows of a day add up to. Grain: one row a site and day. Hashes wrap. Reads the table, or its closed days.
select
    site_id,
    visit_date as day,
    sum(t.events) as n,
    sum(t.pageviews) as pageviews,
    sum(t.interactions) as interactions,
    sum(t.engagement_ms) as engagement_ms,
    toInt64(sum(t.revenue) * 10000) as revenue,
    sum(t.checksum) as checksum,
    sum(t.events * cityHash64(t.visitor_id, t.visit_id)) as keys
from visits as t
group by site_id, day
