-- The first local day on which a site has events, and whether there is one. Grain: one row. Parameters: site.
select min(local_date) as day, count() > 0 as found from daily_events where site_id = {site:UInt32}
