-- Detected events by what they are, corrections applied; what was detected wrongly (none) is left out. Grain: one row
-- a kind. Reads `scoped`: detected events. Parameter: limit.
select
    kind,
    uniqExact(visitor_id) as visitors,
    count() as events,
    uniqExact(visitor_id, visit_id) as visits,
    countIf(override_rank != 0) / events as reviewed
from scoped
where kind != 'none'
group by kind
order by visitors desc, events desc, kind
limit {limit:UInt32}
