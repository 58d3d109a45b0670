-- The greatest id that a site ever had.
select max(site_id) from sites
