-- Sites and their settings. Grain: one row a site and change; the newest row by `updated_at` counts.

create table if not exists sites (
    site_id UInt32,
    domain String,
    timezone String comment 'IANA name; days in reports are days of this zone',
    key_hash String comment 'SHA-256 of the write key, hex; the key itself is nowhere',
    currency LowCardinality(String) default '',
    identity LowCardinality(String) default 'cookieless' comment 'cookieless | client-id',
    created_at DateTime64(3, 'UTC'),
    updated_at DateTime64(3, 'UTC')
)
engine = ReplacingMergeTree(updated_at)
order by site_id
settings non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1, min_parts_to_merge_at_once = 8;
