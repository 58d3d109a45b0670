-- Stored tables with rows of sites, the sites themselves aside. Grain: one row a table, by name.
select t.name
from system.tables as t
where
    t.database = currentDatabase()
    and endsWith(t.engine, 'MergeTree')
    and not endsWith(t.name, '_rebuild')
    and t.name != 'sites'
    and t.name in (
        select c.table from system.columns as c where c.database = currentDatabase() and c.name = 'site_id'
    )
order by t.name
