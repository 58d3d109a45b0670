-- How many statements of a batch still run. Parameter: batch (their query id, and their log comment).
select count()
from system.processes
where query_id = {batch:String} or Settings['log_comment'] = {batch:String}
