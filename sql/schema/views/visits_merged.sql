-- Visits, and the one place for their rules. Grain: one row a visit. Every day is there, closed or not: what is read
-- here is worked out at each reading, what was written for closed days is in `closed_visits`.
create or replace view visits_merged as
with
    JSONExtract(argMinMerge(v.first), 'Tuple(source LowCardinality(String), channel LowCardinality(String),
        referrer String, utm_source LowCardinality(String), utm_medium LowCardinality(String),
        utm_campaign LowCardinality(String), utm_term LowCardinality(String), utm_content LowCardinality(String),
        click_id_kind LowCardinality(String), country LowCardinality(String), device LowCardinality(String),
        browser LowCardinality(String), os LowCardinality(String), language LowCardinality(String),
        hostname LowCardinality(String), city LowCardinality(String))') as first
select
    site_id,
    visit_date,
    visitor_id,
    visit_id,
    max(v.bot) as bot,
    min(v.started) as started,
    max(v.ended) as ended,
    sum(v.pageviews) as pageviews,
    sum(v.events) as events,
    sum(v.interactions) as interactions,
    sum(v.engagement_ms) as engagement_ms,
    sum(v.revenue) as revenue,
    dateDiff('millisecond', started, ended) / 1000 as duration,
    is_bounce(pageviews, interactions) as bounce,
    argMinIfMerge(v.entry) as entry_page,
    argMaxIfMerge(v.exit) as exit_page,
    tupleElement(first, 'source') as source,
    tupleElement(first, 'channel') as channel,
    tupleElement(first, 'referrer') as referrer,
    tupleElement(first, 'utm_source') as utm_source,
    tupleElement(first, 'utm_medium') as utm_medium,
    tupleElement(first, 'utm_campaign') as utm_campaign,
    tupleElement(first, 'utm_term') as utm_term,
    tupleElement(first, 'utm_content') as utm_content,
    tupleElement(first, 'click_id_kind') as click_id_kind,
    tupleElement(first, 'country') as country,
    tupleElement(first, 'city') as city,
    tupleElement(first, 'device') as device,
    tupleElement(first, 'browser') as browser,
    tupleElement(first, 'os') as os,
    tupleElement(first, 'language') as language,
    tupleElement(first, 'hostname') as hostname,
    sum(v.checksum) as checksum
from visits as v
group by site_id, visit_date, visitor_id, visit_id
