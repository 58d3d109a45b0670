-- Refused where a site is archived or was removed: without these columns it would take events again. Where they are gone
-- already, they are there again for the question.
alter table sites
    add column if not exists archived_at Nullable(DateTime64(3, 'UTC')),
    add column if not exists removed_at Nullable(DateTime64(3, 'UTC'));

select throwIf(count() > 0, 'a site is archived or was removed') from sites final
where archived_at is not null or removed_at is not null;

alter table sites drop column if exists archived_at, drop column if exists removed_at;
