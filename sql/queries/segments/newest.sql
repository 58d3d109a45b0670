-- The last refresh of each of a site's segments. Grain: one row a segment.
select s.segment, argMax(s.version, s.refresh), max(s.refresh), argMax(s.members, s.refresh)
from segment_refreshes as s
where s.site_id = {site:UInt32}
group by s.segment
order by s.segment
