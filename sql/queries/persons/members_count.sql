-- Rows that segments have of visitors of a site. Grain: one row. Parameters: site, visitors.
select count() from segment_members where site_id = {site:UInt32} and has({visitors:Array(UInt64)}, visitor_id)
