-- Visits as a reader sees them, as one number a site and month: equal numbers are equal rows. Days
-- of which raw events were removed are left out.
-- Grain: one row a site and month. Reads the table, or what raw events make of it.
with (select (sites, since) from raw_horizons) as raw
select site_id, toYYYYMM(visit_date) as month, count() as rows, sum(of_key) as events, sum(mark) as digest
from (
    select
        site_id,
        visit_date,
        sum(t.events) as of_key,
        cityHash64(
            site_id, visit_date, visitor_id, visit_id, of_key, max(t.bot), min(t.started), max(t.ended),
            sum(t.pageviews), sum(t.interactions), sum(t.engagement_ms), sum(t.revenue),
            argMinMerge(t.first), argMinIfMerge(t.entry), argMaxIfMerge(t.exit)
        ) as mark
    from visits as t
    where visit_date >= transform(site_id, raw.1, raw.2, toDate(0))
    group by site_id, visit_date, visitor_id, visit_id
)
group by site_id, month
