-- What a batch asks about: its known event ids and its visitors. Held for one batch by the one loader,
-- so that any number of ids can be asked for without a long URL. Gone with the engine, on purpose.

create table if not exists load_probe_events (
    site_id UInt32,
    event_id UUID
)
engine = Memory;

create table if not exists load_probe_visitors (
    site_id UInt32,
    visitor_id UInt64
)
engine = Memory;

-- Event ids that stand more than once: what `footfall dedupe` looks into.
create table if not exists dedupe_ids (
    site_id UInt32,
    event_id UUID
)
engine = Memory;

-- The name of this life of the engine: a Memory table is empty after a restart.
create table if not exists engine_life (
    id UUID
)
engine = Memory;
