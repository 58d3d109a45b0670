-- Whether a site knows any user. Grain: one row. Parameter: site.
select count() > 0 from (select 1 from events where site_id = {site:UInt32} and user_id != '' limit 1)
