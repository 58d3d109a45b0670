-- What all tables take on disk, how many events there are, and how many of them came in lately. Grain: one row.
-- Parameters: days.
select
    (select sum(bytes_on_disk) from system.parts where active and database = currentDatabase()) as bytes,
    count() as events,
    countIf(local_date > today() - {days:UInt16} and local_date <= today()) as recent
from events
