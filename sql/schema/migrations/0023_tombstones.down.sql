-- Refused where somebody was erased: an older version would take their late events.
select throwIf(count() > 0, 'visitors were erased; an older version would store their late events') from tombstones;

drop table if exists tombstones;

drop table if exists work_visitors;
