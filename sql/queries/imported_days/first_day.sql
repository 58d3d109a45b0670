-- The first day with daily totals of an import, and whether there is one. Grain: one row. Parameters: site.
select min(day) as day, count() > 0 as found from imported_days where site_id = {site:UInt32}
