-- What the tables that retention removes from take on disk. Grain: one row a table and month (YYYYMM).
select table, partition_id as month, sum(rows) as rows, sum(bytes_on_disk) as bytes
from system.parts
where database = currentDatabase() and active and table in {tables:Array(String)}
group by table, month
