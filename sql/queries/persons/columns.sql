-- Columns of stored tables that hold ids of persons. Grain: one row a table and column.
select c.table, c.name
from system.columns as c
inner join system.tables as t on t.database = c.database and t.name = c.table
where c.database = currentDatabase() and c.name in ('visitor_id', 'user_id') and t.engine like '%MergeTree'
order by c.table, c.name
