-- Every version of every event schema. Grain: one row a site, event name and version. Parameters: site (0: all).
select d.domain as site, s.name as event, s.version as version, s.mode as mode, s.created_at as created
from event_schemas as s final
inner join (select site_id, domain from sites final) as d on d.site_id = s.site_id
where {site:UInt32} = 0 or s.site_id = {site:UInt32}
order by site, event, version
