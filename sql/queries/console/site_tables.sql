-- Stored tables of the current database whose rows are of sites. Grain: one row a table.
select table
from system.columns
where database = currentDatabase() and name = 'site_id'
    and table in (select name from system.tables where database = currentDatabase() and engine like '%MergeTree%')
order by table
