-- Refused where a backfill is half done.
select throwIf(count() > 0, 'a backfill is not finished; run it again') from pending_days final where pending;

drop function if exists dated;

drop table if exists pending_days;

drop table if exists backfill_values;
