-- The partition with most active parts, of all tables. Grain: one row; none where nothing is stored.
select table, partition_id, count() as parts
from system.parts
where active and database = currentDatabase()
group by table, partition_id
order by parts desc, table, partition_id
limit 1
