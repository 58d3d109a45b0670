-- Days whose visits are to be closed, or closed again. Grain: one row a site and day. Parameters: derived.
select r.site_id as site_id, r.day as day, r.batch_no as batch_no
from (select * from revisions final) as r
left join (select * from closings final where derived = {derived:String}) as c on c.site_id = r.site_id and c.day = r.day
where r.batch_no > c.batch_no
order by day, site_id
