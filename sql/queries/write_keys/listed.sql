-- All write keys, newest version of each. Grain: one row a key, by id. Moments in milliseconds since 1970 UTC.
select
    key_id, site_id, hash, label,
    toUnixTimestamp64Milli(created_at) as created_ms, toUnixTimestamp64Milli(revoked_at) as revoked_ms
from write_keys final
order by key_id
