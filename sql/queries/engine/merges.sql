-- Merges that run, and for how many seconds the longest has. Grain: one row.
select count() as merges, max(elapsed) as longest
from system.merges
where database = currentDatabase()
