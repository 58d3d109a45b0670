-- How many active parts the month of `events` with most of them has. Grain: one row; none where there is no event.
select count() as parts
from system.parts
where active and database = currentDatabase() and table = 'events'
group by partition_id
order by parts desc
limit 1
