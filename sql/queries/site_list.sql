-- All sites, newest version of each. Grain: one row a site, by id.
select site_id, domain, timezone, key_hash, currency, identity from sites final order by site_id
