-- How many events of one import are stored. Grain: one row. Parameters: site, import_id.
select count() as stored
from events
where site_id = {site:UInt32} and import_id = {import_id:String}
