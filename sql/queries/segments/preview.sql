-- Visitors of the CTE `members`, those who were seen last first. Grain: one row a visitor.
-- Parameters: site, moment, limit.
select
    s.visitor_id as visitor_id,
    min(s.timestamp) as first_seen,
    max(s.timestamp) as last_seen,
    uniqExact(s.visit_id) as visits,
    count() as events,
    toFloat64(sum(toDecimal128(s.revenue, 4))) as revenue
from events as s
where
    s.site_id = {site:UInt32}
    and not s.bot
    and s.timestamp <= fromUnixTimestamp64Milli({moment:Int64}, 'UTC')
    and s.visitor_id in (select visitor_id from members)
group by visitor_id
order by last_seen desc, visitor_id
limit {limit:UInt32}
