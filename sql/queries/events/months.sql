-- Months (YYYYMM) that hold events or starts of visits. Grain: one row a month, ascending.
select distinct arrayJoin([toYYYYMM(local_date), toYYYYMM(visit_date)]) as month from events order by month
