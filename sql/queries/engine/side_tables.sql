-- Names of the tables of work that is going on or was interrupted, with a space between them.
select arrayStringConcat(groupArray(name), ' ')
from system.tables
where database = currentDatabase() and endsWith(name, '_rebuild')
