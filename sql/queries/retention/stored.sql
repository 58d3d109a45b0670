-- How many raw events of a site lie between two local days, and the sum of their hashes. Grain: one row.
-- Parameters: site, first, last.
select count() as rows, sum(cityHash64(event_id)) as checksum
from events
where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date}
