-- The current database, and the names of all. Grain: one row a database, ours first.
select name from system.databases order by name != currentDatabase(), name
