-- Refreshes of a site's segments, or of one, the newest first. Grain: one row a segment and refresh.
-- Parameters: site, segment, limit.
select segment, toDateTime64(intDiv(refresh, 1000), 0, 'UTC') as at, version, members, entered, left
from segment_refreshes
where site_id = {site:UInt32} and (segment = {segment:String} or {segment:String} = '')
order by refresh desc, segment
limit {limit:UInt32}
