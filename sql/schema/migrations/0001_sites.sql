-- Sites with their settings, and their write keys. Grain: one row a site (a key) and change; the newest row by
-- `updated_at` counts.

create table if not exists sites (
    site_id UInt32,
    domain String,
    timezone String comment 'IANA name; days in reports are days of this zone',
    currency LowCardinality(String) default '',
    identity LowCardinality(String) default 'cookieless' comment 'cookieless | client-id',
    max_age_days UInt16 default 30 comment 'how old an event''s timestamp may be when it arrives',
    events_per_second UInt32 default 0 comment 'how much the site may send; 0: as much as the collector''s settings say',
    created_at DateTime64(3, 'UTC'),
    updated_at DateTime64(3, 'UTC')
)
engine = ReplacingMergeTree(updated_at)
order by site_id;

create table if not exists keys (
    key_id UInt32,
    site_id UInt32,
    hash String comment 'SHA-256 of the write key, hex; the key itself is nowhere',
    label String default '',
    created_at DateTime64(3, 'UTC'),
    revoked_at Nullable(DateTime64(3, 'UTC')) comment 'from this moment on the key is refused; it may lie ahead',
    updated_at DateTime64(3, 'UTC')
)
engine = ReplacingMergeTree(updated_at)
order by key_id;
