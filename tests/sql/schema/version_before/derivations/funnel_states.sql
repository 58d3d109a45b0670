-- Derives: funnel_states. Grain: site, local day, funnel, bot flag, visitor. Partition: local_date.
-- One event can match several steps of a funnel and counts for one of them (functions/funnel_moment.sql).
-- (`strict_increase` gets stuck where the first step matches the second's events too; `strict_once` takes minutes.)
select
    e.site_id as site_id,
    e.local_date as local_date,
    f.funnel_id as funnel_id,
    e.bot as bot,
    e.visitor_id as visitor_id,
    windowFunnelState(362387865600000)(
        funnel_moment(e.timestamp, e.batch_seq, f.step),
        f.step = 1, f.step = 2, f.step = 3, f.step = 4, f.step = 5, f.step = 6, f.step = 7, f.step = 8
    ) as state
from events as e
inner join funnel_steps as f on e.site_id = f.site_id and toString(e.name) = f.name
where f.path = '' or e.path like f.path
group by site_id, local_date, funnel_id, bot, visitor_id
