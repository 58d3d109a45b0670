-- Visits of closed days, as one number a site and month: equal numbers are equal rows. Days
-- of which raw events were removed are left out.
-- Grain: one row a site and month. Reads the table, or what raw events make of it.
with (select (sites, since) from raw_horizons) as raw
select
    site_id,
    toYYYYMM(visit_date) as month,
    count() as rows,
    sum(t.events) as events,
    sum(cityHash64(
        site_id, visit_date, visitor_id, visit_id, t.bot, t.started, t.ended, t.pageviews, t.events, t.interactions,
        t.engagement_ms, t.revenue, t.duration, t.bounce, t.entry_page, t.exit_page, toString(t.source),
        toString(t.channel), t.referrer, toString(t.utm_source), toString(t.utm_medium), toString(t.utm_campaign),
        toString(t.utm_term), toString(t.utm_content), toString(t.click_id_kind), toString(t.country), toString(t.city),
        toString(t.device), toString(t.browser), toString(t.os), toString(t.language), toString(t.hostname)
    )) as digest
from closed_visits as t
where visit_date >= transform(site_id, raw.1, raw.2, toDate(0))
    and (site_id, visit_date) in (select site_id, day from closed_days where derived = 'closed_visits')
group by site_id, month
