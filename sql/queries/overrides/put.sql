-- Writes a new override under the next number; numbers are never given again. Parameters: site, kind, name, rule,
-- selector, text (null: any), by.
insert into event_overrides (override_id, site_id, kind, name, rule, selector, text, created_by, created_at, updated_at)
select
    toUInt32(max(override_id) + 1), {site:UInt32}, {kind:String}, {name:Nullable(String)}, {rule:Nullable(String)},
    {selector:Nullable(String)}, {text:Nullable(String)}, {by:String}, now64(3), now64(3)
from event_overrides
