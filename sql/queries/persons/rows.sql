-- Rows of the visitors at work. Grain: one row a table and month (YYYYMM) that has any. No parameters.
select 'events' as table, toYYYYMM(local_date) as month, count() as rows
from events
where (site_id, visitor_id) in (select site_id, visitor_id from work_visitors)
group by month
union all
select 'visits' as table, toYYYYMM(visit_date) as month, count() as rows
from visits
where (site_id, visitor_id) in (select site_id, visitor_id from work_visitors)
group by month
union all
select 'closed_visits' as table, toYYYYMM(visit_date) as month, count() as rows
from closed_visits
where (site_id, visitor_id) in (select site_id, visitor_id from work_visitors)
group by month
