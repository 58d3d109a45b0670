-- How many events of one import are stored, and how many of them are of flagged bots. Grain: one row.
-- Parameters: site, import_id.
select count() as stored, countIf(bot) as bots
from events
where site_id = {site:UInt32} and import_id = {import_id:String}
