-- How many statements are changing what is stored in this database.
-- Parameter: tables (only statements that name one of them; none: all).
select count()
from system.processes
where current_database = currentDatabase()
    and query_kind not in ('Select', 'Explain', 'Show', 'Describe', 'System')
    and (empty({tables:Array(String)}) or multiSearchAny(query, {tables:Array(String)}))
