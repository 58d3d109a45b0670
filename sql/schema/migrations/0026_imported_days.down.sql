-- Refused where there are any: they are nowhere else.
select throwIf(count() > 0, 'there are imported days; undo these imports first') from imported_days;

drop table if exists imported_days;
