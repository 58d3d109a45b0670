-- Funnels of a site by name. Grain: one row a funnel that is not removed. Parameters: site.
select funnel_id, name, steps, window_seconds, step_order, excluded
from funnels final
where site_id = {site:UInt32} and not deleted
order by name
