-- The highest number of a site's exports, also of those that were killed. Grain: one row.
select greatest(
    (select max(run) from exports where site_id = {site:UInt32}),
    (select max(run) from export_members where site_id = {site:UInt32})
)
