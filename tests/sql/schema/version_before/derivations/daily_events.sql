-- Derives: daily_events. Grain: site, local day, bot flag, event name. Partition: local_date.
select
    site_id,
    local_date,
    bot,
    name,
    count() as events,
    sum(toDecimal128(e.revenue, 4)) as revenue,
    uniqState(e.visitor_id) as visitors
from events as e
group by site_id, local_date, bot, name
