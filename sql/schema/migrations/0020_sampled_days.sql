-- Days on which the tracker sampled a site's visitors: on these, events are weighed. Grain: one row a site and day after
-- merging. Filled by derivations/sampled_days.sql; without a row for sites that do not sample.

create table if not exists sampled_days (
    site_id UInt32,
    local_date Date,
    events SimpleAggregateFunction(sum, UInt64) comment 'those that stand for more than themselves',
    lightest SimpleAggregateFunction(min, UInt64) comment 'millionths: the least that one of them stands for',
    heaviest SimpleAggregateFunction(max, UInt64) comment 'millionths: the most',
    checksum SimpleAggregateFunction(sum, UInt64) comment 'sum of the hashes of these events, wrapping'
)
engine = AggregatingMergeTree
partition by toYYYYMM(local_date)
order by (site_id, local_date);
