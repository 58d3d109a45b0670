-- How much of flagged bots a report leaves out, from raw events. Grain: one row. Parameters: site, first, last.
select count() as events, countIf(name = 'page_view') as pageviews
from events
where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date} and bot
