-- The overrides in force as a detected event looks them up: keys, ranks, kinds and names of those that can win, and the
-- combinations of criteria that they have. Grain: one row. The first row keeps the arrays from being empty, which
-- `transform` refuses.
create or replace view override_rules as
select (groupArray(key), groupArray(rank), groupArray(kind), groupArray(override), groupUniqArray(asked)) as rules
from (
    select toUInt64(0) as key, toUInt64(0) as rank, '' as kind, '' as override, toUInt8(0) as asked
    union all
    select
        key,
        max(o.rank) as rank,
        argMax(o.kind, o.rank) as kind,
        argMax(o.override, o.rank) as override,
        any(o.asked) as asked
    from overrides_in_force as o
    group by key
)
