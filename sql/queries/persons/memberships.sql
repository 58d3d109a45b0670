-- Segments that visitors of a site entered and left. Grain: one row a change. Parameters: site, visitors, users.
select segment, visitor_id, fromUnixTimestamp64Milli(toInt64(refresh), 'UTC') as at, if(entered, 'entered', 'left') as change
from segment_members
where site_id = {site:UInt32}
        and (
            has({visitors:Array(UInt64)}, visitor_id)
            or visitor_id in (
                select visitor_id
                from events
                where site_id = {site:UInt32} and has({users:Array(String)}, user_id)
            )
        )
        and refresh in (select refresh from segment_refreshes where site_id = {site:UInt32})
order by refresh, segment, visitor_id
