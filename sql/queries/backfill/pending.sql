-- Days whose derived rows are to be made again. Grain: one row a site and day.
select site_id, day from pending_days final where pending order by day, site_id
