-- Pages of closed months as a reader sees them, as one number a site and month: equal numbers are equal rows. Days
-- of which raw events were removed are left out.
-- Grain: one row a site and month. Reads the table, or what raw events make of it.
with (select (sites, since) from raw_horizons) as raw
select site_id, toYYYYMM(of_month) as month, count() as rows, sum(of_key) as events, sum(mark) as digest
from (
    select
        site_id,
        toStartOfMonth(local_date) as of_month,
        sum(t.pageviews) as of_key,
        cityHash64(site_id, of_month, bot, hostname, path, of_key, uniqMerge(t.visitors)) as mark
    from monthly_pages as t
    where toStartOfMonth(local_date) >= transform(site_id, raw.1, raw.2, toDate(0))
        and (site_id, toStartOfMonth(local_date)) in (select site_id, day from closed_days where derived = 'monthly_pages')
    group by site_id, of_month, bot, hostname, path
)
group by site_id, month
