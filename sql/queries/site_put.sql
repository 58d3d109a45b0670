-- Writes one version of a site. Parameters: site_id, domain, timezone, key_hash, currency, identity.
insert into sites (site_id, domain, timezone, key_hash, currency, identity, created_at, updated_at)
select
    {site_id:UInt32}, {domain:String}, {timezone:String}, {key_hash:String}, {currency:String}, {identity:String},
    now64(3), now64(3)
