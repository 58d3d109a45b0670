-- The closed table does not hold these months any more; readers take what it was made of. Parameters: derived, months
-- (YYYYMM; none: all).
insert into closings (derived, site_id, day, batch_no, version)
select derived, site_id, day, 0, (select max(version) + 1 from closings)
from closings final
where derived = {derived:String}
    and batch_no > 0
    and (empty({months:Array(UInt32)}) or toYYYYMM(day) in {months:Array(UInt32)})
