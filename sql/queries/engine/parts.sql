-- All parts that are there, merged ones too: the table, the part's folder, partition, rows.
select table, path, partition_id, rows
from system.parts
where database = currentDatabase()
