-- Who entered and who left a segment, and when. Grain: one row a visitor and change. Only changes of refreshes that are
-- in `segment_refreshes` count: a refresh that was killed has left rows that nobody reads.
create table if not exists segment_members (
    site_id UInt32,
    segment LowCardinality(String),
    visitor_id UInt64,
    person_id UInt64 comment 'whose visitor it is (view persons); the visitor itself where nobody is known' codec(ZSTD(1)),
    refresh UInt64 comment 'the refresh that found it: its moment, in ms since 1970' codec(ZSTD(1)),
    entered Bool comment 'false: left'
)
engine = MergeTree
order by (site_id, segment, visitor_id, refresh);

-- Refreshes that are complete. Grain: one row a segment and refresh.
create table if not exists segment_refreshes (
    site_id UInt32,
    segment LowCardinality(String),
    refresh UInt64 comment 'its moment, in ms since 1970',
    version UInt32 comment 'of the definition',
    members UInt64,
    entered UInt64,
    left UInt64
)
engine = MergeTree
order by (site_id, segment, refresh);

-- Who belongs to the segments that are being refreshed, by whoever holds their lock. Grain: one row a visitor and place
-- of a segment in the list.
create table if not exists work_members (
    site_id UInt32,
    place UInt16,
    visitor_id UInt64,
    person_id UInt64
)
engine = MergeTree
order by (place, visitor_id);
