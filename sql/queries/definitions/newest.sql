-- The newest version of each definition of a kind, removed ones too. Grain: one row a name, by name.
-- Parameters: site, kind, name (empty: all).
select site_id, kind, name, version, body, by, at, removed
from definitions final
where site_id = {site:UInt32} and kind = {kind:String} and ({name:String} = '' or name = {name:String})
order by name, version desc
limit 1 by name
