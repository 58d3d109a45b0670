-- Every tombstone. Grain: one row a site and hash.
select site_id, hash from tombstones final order by site_id, hash
