-- The number of a site's next funnel; numbers of removed funnels are not given again. Grain: one row. Parameters: site.
select toUInt32(max(funnel_id) + 1) as funnel_id from funnels where site_id = {site:UInt32}
