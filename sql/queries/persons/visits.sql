-- Visits of visitors of a site, in their order. Grain: one row a visit. Parameters: site, visitors, users.
select *
from visits_merged
where site_id = {site:UInt32}
        and (
            has({visitors:Array(UInt64)}, visitor_id)
            or visitor_id in (
                select visitor_id
                from events
                where site_id = {site:UInt32} and has({users:Array(String)}, user_id)
            )
        )
order by started, visit_id
