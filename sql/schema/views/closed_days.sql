-- What closed tables hold as it is now: days of `closed_visits`, months of the others by their first day. Grain: one row
-- a table, site and day.
create or replace view closed_days as
select c.derived as derived, c.site_id as site_id, c.day as day
from (select * from closings final where batch_no > 0) as c
inner join (
    select site_id, arrayJoin([('closed_visits', day), ('monthly', toStartOfMonth(day))]) as of, max(batch_no) as batch_no
    from revisions
    group by site_id, of
) as r
    on r.site_id = c.site_id
    and tupleElement(r.of, 1) = if(c.derived = 'closed_visits', 'closed_visits', 'monthly')
    and tupleElement(r.of, 2) = c.day
where c.batch_no >= r.batch_no
