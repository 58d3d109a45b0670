-- The last refresh of each segment of a site, and the version of its definition that is in force (0: removed).
-- Grain: one row a segment. Parameter: site.
select r.segment, r.version, r.refresh, r.members, d.version
from (
    select s.segment, argMax(s.version, s.refresh) as version, max(s.refresh) as refresh, argMax(s.members, s.refresh) as members
    from segment_refreshes as s
    where s.site_id = {site:UInt32}
    group by s.segment
) as r
left join (
    select name, if(argMax(removed, v.version), 0, max(v.version)) as version
    from definitions as v final
    where v.site_id = {site:UInt32} and v.kind = 'segment'
    group by name
) as d on d.name = r.segment
order by r.segment
