-- Days that imports have brought, by dimension. Grain: one row a dimension and day. Parameters: site.
select distinct toString(dimension) as dimension, day from imported_days where site_id = {site:UInt32}
