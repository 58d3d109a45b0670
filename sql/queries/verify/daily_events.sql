-- Daily events as a reader sees them, as one number a site and month: equal numbers are equal rows. Days
-- of which raw events were removed are left out.
-- Grain: one row a site and month. Reads the table, or what raw events make of it.
with (select (sites, since) from raw_horizons) as raw
select site_id, toYYYYMM(local_date) as month, count() as rows, sum(of_key) as events, sum(mark) as digest
from (
    select
        site_id,
        local_date,
        sum(t.events) as of_key,
        cityHash64(site_id, local_date, bot, name, of_key, sum(t.revenue), uniqMerge(t.visitors)) as mark
    from daily_events as t
    where local_date >= transform(site_id, raw.1, raw.2, toDate(0))
    group by site_id, local_date, bot, name
)
group by site_id, month
