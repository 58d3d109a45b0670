-- Writes one version of an event's schema. Parameters: site, name, version, mode, schema.
insert into event_schemas (site_id, name, version, mode, schema, created_at)
select {site:UInt32}, {name:String}, {version:UInt32}, {mode:String}, {schema:String}, now64(3)
