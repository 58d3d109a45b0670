-- Who belongs to segments as of their last refresh. Grain: one row a segment and visitor.
create or replace view current_members as
select site_id, segment, visitor_id, argMax(m.person_id, refresh) as person_id
from segment_members as m
where (site_id, segment, refresh) in (select site_id, segment, refresh from segment_refreshes)
group by site_id, segment, visitor_id
having argMax(entered, refresh)
