-- How many events of one import are stored, how many of them are of flagged bots, and the first and last of their local
-- days. Grain: one row. Parameters: site, import_id.
select count() as stored, countIf(bot) as bots, min(local_date) as first, max(local_date) as last
from events
where site_id = {site:UInt32} and import_id = {import_id:String}
