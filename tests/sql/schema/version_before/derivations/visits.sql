-- Derives: visits. Grain: one row a visit and inserted block. Partition: visit_date.
select
    site_id,
    visit_date,
    visitor_id,
    visit_id,
    max(e.bot) as bot,
    min(e.timestamp) as started,
    max(e.timestamp) as ended,
    countIf(e.name = 'page_view') as pageviews,
    count() as events,
    countIf(e.interactive) as interactions,
    sum(toUInt64(e.engagement_ms)) as engagement_ms,
    sum(toDecimal128(e.revenue, 4)) as revenue,
    argMinState(
        toJSONString((
            e.source, e.channel, e.referrer,
            e.utm_source, e.utm_medium, e.utm_campaign, e.utm_term, e.utm_content,
            e.click_id_kind, e.country, e.device, e.browser, e.os, e.language, e.hostname)),
        arrival_order(e.timestamp, e.received_at, e.batch_seq, e.event_id)
    ) as first,
    argMinIfState(e.path, arrival_order(e.timestamp, e.received_at, e.batch_seq, e.event_id), e.name = 'page_view') as entry,
    argMaxIfState(e.path, arrival_order(e.timestamp, e.received_at, e.batch_seq, e.event_id), e.name = 'page_view') as exit
from events as e
group by site_id, visit_date, visitor_id, visit_id
