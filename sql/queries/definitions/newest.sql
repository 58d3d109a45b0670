-- The newest version of each definition of a kind, removed ones too. Grain: one row a site and name, by these.
-- Parameters: site (0: all), kind, name (empty: all).
select site_id, kind, name, version, body, by, at, removed
from definitions final
where ({site:UInt32} = 0 or site_id = {site:UInt32})
    and kind = {kind:String}
    and ({name:String} = '' or name = {name:String})
order by site_id, name, version desc
limit 1 by site_id, name
