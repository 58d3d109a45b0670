-- User ids of a site that were told of these visitors alone. Grain: one row a user. Parameters: site, visitors.
select user_id
from identity_links
where
    site_id = {site:UInt32}
    and user_id in (
        select user_id from identity_links
        where site_id = {site:UInt32} and has({visitors:Array(UInt64)}, visitor_id)
    )
group by user_id
having countIf(not has({visitors:Array(UInt64)}, visitor_id)) = 0
