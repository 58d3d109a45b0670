-- What a site keeps of contact data, and which user ids belong to one person by the word of an operator.
alter table sites
    add column if not exists contact_data LowCardinality(String) default 'hashed' comment 'none | hashed | plain';

-- Every merge of two user ids and its end. Grain: one row an act; the last one of a pair counts.
create table if not exists identity_log (
    site_id UInt32,
    at DateTime64(3, 'UTC'),
    by String comment 'the user who did it; empty: unknown',
    act LowCardinality(String) comment 'merge | unmerge',
    user_id String,
    other_user_id String,
    reason String
)
engine = MergeTree
order by (site_id, at);

-- User ids that are merged, as the log says. Grain: one row a user after merging; the one without a group has the name
-- of none.
create table if not exists user_groups (
    site_id UInt32,
    user_id String,
    group_user_id String comment 'the user that stands for all of the group; empty: merged with nobody',
    version UInt64
)
engine = ReplacingMergeTree(version)
order by (site_id, user_id);
