-- Writes down up to which batch the closed table holds the days at work. Parameters: derived, batch_no.
insert into closings (derived, site_id, day, batch_no, version)
select
    {derived:String},
    site_id,
    day,
    {batch_no:UInt64},
    (select max(version) + 1 from closings)
from work_days
