-- All tables and views: name, file of the definition, folders of the data.
select name, metadata_path, if(endsWith(engine, 'MergeTree'), data_paths, []) as paths
from system.tables
where database = currentDatabase() and not endsWith(name, '_rebuild') and not is_temporary
order by name
