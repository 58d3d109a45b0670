-- How much of flagged bots a report leaves out, from rollups. Grain: one row. Parameters: site, first, last.
select sum(d.events) as events, sumIf(d.events, d.name = 'page_view') as pageviews
from daily_events as d
where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date} and bot
