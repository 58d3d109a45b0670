-- Funnels as a reader sees them, as one number a site and month: equal numbers are equal rows.
-- Grain: one row a site and month. Reads the table, or what raw events make of it.
select site_id, toYYYYMM(local_date) as month, count() as rows, toUInt64(0) as events, sum(mark) as digest
from (
    select
        site_id,
        local_date,
        cityHash64(
            site_id, local_date, funnel_id, bot, visitor_id, windowFunnelMerge(362387865600000)(t.state)
        ) as mark
    from funnel_states as t
    group by site_id, local_date, funnel_id, bot, visitor_id
)
group by site_id, month
