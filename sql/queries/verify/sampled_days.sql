-- Sampled days as a reader sees them, as one number a site and month: equal numbers are equal rows.
-- Grain: one row a site and month. Reads the table, or what raw events make of it.
select site_id, toYYYYMM(local_date) as month, count() as rows, sum(of_key) as events, sum(mark) as digest
from (
    select
        site_id,
        local_date,
        sum(t.events) as of_key,
        cityHash64(site_id, local_date, of_key, min(t.lightest), max(t.heaviest)) as mark
    from sampled_days as t
    group by site_id, local_date
)
group by site_id, month
