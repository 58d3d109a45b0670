-- Visits of the days at work, as typed rows. Grain: one row a visit. Parameters: first, last (dates of the month).
select *
from visits_merged
where visit_date between {first:Date} and {last:Date}
    and (site_id, visit_date) in (select site_id, day from work_days)
