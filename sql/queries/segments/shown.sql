-- Members of a segment and their part of a split, those who entered last first. Grain: one row a visitor.
-- Parameters: segment, ends, site, limit.
select
    visitor_id,
    toDateTime64(intDiv(max(refresh), 1000), 0, 'UTC') as entered_at,
    toUInt8(split_part({segment:String}, argMax(person_id, refresh), {ends:Array(UInt8)})) as part
from segment_members
where
    site_id = {site:UInt32}
    and segment = {segment:String}
    and refresh in (
        select refresh from segment_refreshes where site_id = {site:UInt32} and segment = {segment:String}
    )
group by visitor_id
having argMax(entered, refresh)
order by entered_at desc, visitor_id
limit {limit:UInt32}
