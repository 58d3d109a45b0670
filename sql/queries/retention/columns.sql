-- What columns of `events` take on disk. Grain: one row a column and month (YYYYMM).
select column, partition_id as month, sum(rows) as rows, sum(column_bytes_on_disk) as bytes
from system.parts_columns
where database = currentDatabase() and active and table = 'events' and column in {columns:Array(String)}
group by column, month
