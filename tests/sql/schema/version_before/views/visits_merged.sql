-- Visits as reports read them, and the one place for their rules. Grain: one row a visit.
create or replace view visits_merged as
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
    JSONExtract(argMinMerge(v.first), 'Tuple(source String, channel String, referrer String, utm_source String,
        utm_medium String, utm_campaign String, utm_term String, utm_content String, click_id_kind String,
        country String, device String, browser String, os String, language String, hostname String)') as first,
    argMinIfMerge(v.entry) as entry_page,
    argMaxIfMerge(v.exit) as exit_page
from visits as v
group by site_id, visit_date, visitor_id, visit_id
