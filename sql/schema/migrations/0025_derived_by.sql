-- By which version of rules and lists the columns of a day's events were derived. Grain: one row a derivation, site, day,
-- version and way after merging. `whole`: the day was derived again as a whole, so what came before no longer counts.
create table if not exists derived_by (
    site_id UInt32,
    derivation LowCardinality(String) comment 'channels | user-agents | bots',
    day Date,
    version LowCardinality(String) comment 'day of the lists, and a hash of lists and rules',
    whole Bool,
    at DateTime64(3, 'UTC')
)
engine = ReplacingMergeTree(at)
order by (site_id, derivation, day, version, whole);
