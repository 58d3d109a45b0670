-- Every version of one definition, the newest first. Grain: one row a version. Parameters: site, kind, name.
select site_id, kind, name, version, body, by, at, removed
from definitions final
where site_id = {site:UInt32} and kind = {kind:String} and name = {name:String}
order by version desc
