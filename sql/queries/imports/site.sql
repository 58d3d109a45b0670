-- The site of an import, by its events. Grain: one row a site. Parameter: import_id.
select site_id, min(received_at) as started from events where import_id = {import_id:String} group by site_id
