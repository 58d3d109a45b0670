-- Sites that take no events any more. One that is removed leaves a row with its id, and without its domain in the end:
-- an id is never given to another site, whose reports would get what still waits of the first.
alter table sites
    add column if not exists archived_at Nullable(DateTime64(3, 'UTC')) comment 'from then on its events are refused',
    add column if not exists removed_at Nullable(DateTime64(3, 'UTC')) comment 'from then on it is not known';
