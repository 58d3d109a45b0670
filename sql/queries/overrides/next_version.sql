-- Every definition with one more version of an override. Grain: one row a version. Parameters: site, override, body,
-- removed.
select site_id, kind, name, version, body, at, removed from definitions
union all
select {site:UInt32}, 'override', {override:String}, toUInt32(4294967295), {body:String}, now64(3), {removed:Bool}
