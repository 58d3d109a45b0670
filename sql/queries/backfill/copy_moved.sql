-- Copies events that belong to another month, dated as they belong there; those that were copied already are left out.
-- Parameters: site, starts, offsets (as of `dated`).
insert into events_rebuild
select
    * replace (
        dated(timestamp, {starts:Array(Int64)}, {offsets:Array(Int64)}) as local_date,
        dated(visit_start, {starts:Array(Int64)}, {offsets:Array(Int64)}) as visit_date
    )
from (
    select *
    from events
    where site_id = {site:UInt32}
        and toYYYYMM(local_date) != toYYYYMM(dated(timestamp, {starts:Array(Int64)}, {offsets:Array(Int64)}))
        and (batch_id, batch_seq) not in (
            select batch_id, batch_seq
            from events
            where site_id = {site:UInt32}
                and (toDayOfMonth(local_date) <= 2 or toDayOfMonth(local_date + 2) <= 2)
                and local_date = dated(timestamp, {starts:Array(Int64)}, {offsets:Array(Int64)})
        )
)
