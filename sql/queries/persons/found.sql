-- Visitors of a site, by id or by user id, that anything is stored of. Grain: one row a visitor.
-- Parameters: site, visitors, users.
with
    stored as (
        select visitor_id, min(started) as first, max(ended) as last, uniqExact(visit_id) as visits, 0 as events
        from visits
        where site_id = {site:UInt32}
        and (
            has({visitors:Array(UInt64)}, visitor_id)
            or visitor_id in (
                select visitor_id
                from events
                where site_id = {site:UInt32} and has({users:Array(String)}, user_id)
            )
        )
        group by visitor_id
        union all
        select visitor_id, min(timestamp) as first, max(timestamp) as last, 0 as visits, count() as events
        from events
        where site_id = {site:UInt32}
        and (
            has({visitors:Array(UInt64)}, visitor_id)
            or visitor_id in (
                select visitor_id
                from events
                where site_id = {site:UInt32} and has({users:Array(String)}, user_id)
            )
        )
        group by visitor_id
    )
select visitor_id, min(s.first) as first, max(s.last) as last, sum(s.visits) as visits, sum(s.events) as events
from stored as s
group by visitor_id
order by first, visitor_id
