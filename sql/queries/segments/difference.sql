-- Visitors who belong to a segment at only one of two moments, the last change first. Grain: one row a visitor.
-- Parameters: site, segment, until, since, limit.
select
    visitor_id,
    if(argMax(entered, refresh), 'entered', 'left') as change,
    toDateTime64(intDiv(max(refresh), 1000), 0, 'UTC') as at
from segment_members
where
    site_id = {site:UInt32}
    and segment = {segment:String}
    and refresh <= {until:UInt64}
    and refresh in (
        select refresh from segment_refreshes where site_id = {site:UInt32} and segment = {segment:String}
    )
group by visitor_id
having argMax(entered, refresh) != argMaxIf(entered, refresh, refresh <= {since:UInt64})
order by at desc, visitor_id
limit {limit:UInt32}
