-- Raw events, the source of truth. Grain: one row an accepted event; never changed but for the visit it
-- belongs to. Everything else in this schema is derived from here and can be rebuilt.

create table if not exists events (
    site_id UInt32,
    local_date Date comment 'day of the event in the site''s zone',
    visitor_id UInt64 comment 'daily keyed hash, or hash of the client id where the site turned that on',
    timestamp DateTime64(3, 'UTC') comment 'client clock, corrected' codec(Delta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),

    visit_id UInt64 codec(ZSTD(1)),
    visit_start DateTime64(3, 'UTC') comment 'first event of the visit, as known when this row was written' codec(Delta, ZSTD(1)),
    visit_date Date comment 'day of visit_start in the site''s zone',

    event_id UUID codec(ZSTD(1)),
    name LowCardinality(String),
    interactive Bool comment 'a custom event that says somebody did something: ends a bounce',

    hostname LowCardinality(String),
    path String codec(ZSTD(1)),
    query String codec(ZSTD(1)),
    title String codec(ZSTD(1)),

    referrer String comment 'host and path, no query' codec(ZSTD(1)),
    source LowCardinality(String),
    channel LowCardinality(String),
    utm_source LowCardinality(String),
    utm_medium LowCardinality(String),
    utm_campaign LowCardinality(String),
    utm_term LowCardinality(String),
    utm_content LowCardinality(String),
    click_id_kind LowCardinality(String) comment 'gclid, fbclid, …; empty where there is none',
    click_id String codec(ZSTD(1)),

    country LowCardinality(String) comment 'ISO 3166-1 alpha-2; empty where no country file is set',
    city LowCardinality(String) comment 'English name; empty where the file has no cities',
    device LowCardinality(String) comment 'desktop | mobile | tablet | tv | other',
    browser LowCardinality(String),
    browser_version LowCardinality(String),
    os LowCardinality(String),
    os_version LowCardinality(String),
    user_agent LowCardinality(String) comment 'kept so that browsers and bot flags can be derived again',
    screen LowCardinality(String) comment 'width x height in CSS pixels',
    language LowCardinality(String),

    bot Bool comment 'flagged, never deleted; reports leave it out unless asked',
    bot_score UInt8 comment 'percent; flagged from 80 on',
    bot_reasons LowCardinality(String) comment 'what speaks for a machine, joined by commas, whether or not it is enough',

    session_id String comment 'what the client called its session; visits do not depend on it' codec(ZSTD(1)),
    user_id String codec(ZSTD(1)),
    engagement_ms UInt32 codec(ZSTD(1)),
    scroll_depth UInt8 comment 'percent' codec(ZSTD(1)),
    revenue Decimal(18, 4) codec(ZSTD(1)),
    currency LowCardinality(String),
    props Map(LowCardinality(String), String) comment 'properties that are text' codec(ZSTD(1)),
    props_number Map(LowCardinality(String), Float64) codec(ZSTD(1)),
    props_bool Map(LowCardinality(String), Bool) codec(ZSTD(1)),
    gpc Bool comment 'Sec-GPC: 1 was sent',
    consent LowCardinality(String) comment 'states as ad_storage=denied,analytics_storage=granted; empty where none was told',
    import_id LowCardinality(String) comment 'which import brought it; empty for live events',

    batch_id UUID codec(ZSTD(1)),
    batch_seq UInt32 codec(Delta, ZSTD(1)),

    index by_event event_id type bloom_filter(0.01) granularity 4
)
engine = MergeTree
partition by toYYYYMM(local_date)
order by (site_id, local_date, visitor_id, timestamp);
