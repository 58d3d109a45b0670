-- Months (YYYYMM) of tables in which there are rows that are only marked as deleted. Grain: one row a table and month.
-- Parameters: tables.
select distinct table, toUInt32(partition_id) as month
from system.parts
where database = currentDatabase()
    and active
    and has_lightweight_delete
    and table in {tables:Array(String)}
order by table, month
