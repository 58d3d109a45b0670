-- The newest version of every event schema. Grain: one row a site and event name.
select site_id, name, version, mode, schema
from event_schemas final
order by site_id, name, version desc
limit 1 by site_id, name
