-- Writes one version of a write key. Parameters: key_id, site_id, hash, label; created_at, revoked_at (milliseconds
-- since 1970 UTC, the latter null while nothing revokes the key).
insert into write_keys (key_id, site_id, hash, label, created_at, revoked_at, updated_at)
select
    {key_id:UInt32}, {site_id:UInt32}, {hash:String}, {label:String},
    fromUnixTimestamp64Milli({created_at:Int64}, 'UTC'), fromUnixTimestamp64Milli({revoked_at:Nullable(Int64)}, 'UTC'),
    now64(3)
