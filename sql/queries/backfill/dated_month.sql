-- A month of events with the days that they belong on, without those that belong to another month.
-- Parameters: site, month (YYYYMM), starts, offsets (as of `dated`).
insert into events_rebuild
select
    * replace (
        if(site_id = {site:UInt32}, dated(timestamp, {starts:Array(Int64)}, {offsets:Array(Int64)}), local_date) as local_date,
        if(site_id = {site:UInt32}, dated(visit_start, {starts:Array(Int64)}, {offsets:Array(Int64)}), visit_date) as visit_date
    )
from (
    select *
    from events
    where toYYYYMM(local_date) = {month:UInt32}
        and (
            site_id != {site:UInt32}
            or toYYYYMM(dated(timestamp, {starts:Array(Int64)}, {offsets:Array(Int64)})) = {month:UInt32}
        )
)
