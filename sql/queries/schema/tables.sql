-- Tables and views of this database, but what work leaves behind. Grain: one row a table.
select name, engine, create_table_query as create, sorting_key, partition_key
from system.tables
where database = currentDatabase() and name not like '.inner%' and name not like '%\_rebuild'
order by name
