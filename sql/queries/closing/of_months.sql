-- Days that a closed table holds in some months. Grain: one row a site and day. Parameters: derived, months (YYYYMM).
select site_id, day
from closed_days
where derived = {derived:String} and toYYYYMM(day) in {months:Array(UInt32)}
order by day, site_id
