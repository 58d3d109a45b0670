-- Visits by what their first event said: source, channel, a campaign tag, country, device, browser, system.
-- Grain: one row a value. Parameters: site, first, last, bots, dimension (a name in `visits.first`), empty
-- (whether visits without a value are kept), limit.
select
    tupleElement(first, {dimension:String}) as value,
    uniq(visitor_id) as visitors,
    count() as visits,
    countIf(bounce) / visits as bounce_rate,
    sum(duration) / visits as visit_duration
from visits_merged
where site_id = {site:UInt32}
    and visit_date between {first:Date} and {last:Date}
    and (not bot or {bots:Bool})
    and (value != '' or {empty:Bool})
group by value
order by visitors desc, visits desc, value
limit {limit:UInt32}
settings optimize_aggregation_in_order = 1
