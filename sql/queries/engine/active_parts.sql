-- Parts of all stored tables at one moment, patches of rows included: the table, the part, its folder, partition, rows.
select table, name, path, partition_id, rows
from system.parts
where database = currentDatabase() and active and not endsWith(table, '_rebuild')
order by table, name
