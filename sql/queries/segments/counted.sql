-- The size of a segment after a refresh, and what the refresh changed. Grain: one row.
-- Parameters: place, site, segment, refresh.
select (select count() from work_members where place = {place:UInt16}), countIf(entered), countIf(not entered)
from segment_members
where site_id = {site:UInt32} and segment = {segment:String} and refresh = {refresh:UInt64}
