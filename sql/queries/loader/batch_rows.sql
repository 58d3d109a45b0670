-- Which rows of a batch are in `events`. Grain: one row an event. Parameters: batch, first, last (local dates).
select batch_seq
from events
where local_date between {first:Date} and {last:Date} and batch_id = {batch:UUID}
