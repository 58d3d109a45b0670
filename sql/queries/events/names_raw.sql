-- Events by name, and the share of all visitors who sent one, from raw events. Grain: one row a name.
-- Parameters: site, first, last, bots, limit.
with everyone as (
    select uniqExact(visitor_id) as visitors
    from events
    where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date} and (not bot or {bots:Bool})
)
select
    toString(name) as event,
    uniqExact(visitor_id) as visitors,
    count() as events,
    visitors / (select visitors from everyone) as conversion_rate
from events
where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date} and (not bot or {bots:Bool})
group by event
order by visitors desc, events desc, event
limit {limit:UInt32}
