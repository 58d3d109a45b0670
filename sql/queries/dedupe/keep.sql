-- A month of events without the copies that copies.sql counts. Parameters: month (YYYYMM), first, last, days.
insert into events_rebuild
select * except (place, before)
from (
    select
        *,
        row_number() over in_order as place,
        lagInFrame(local_date) over in_order as before
    from events
    where local_date between {first:Date} and {last:Date}
        and (site_id, event_id) in (select site_id, event_id from dedupe_ids)
    window in_order as (
        partition by site_id, event_id
        order by local_date, received_at, batch_id, batch_seq
        rows between unbounded preceding and current row
    )
)
where toYYYYMM(local_date) = {month:UInt32} and not (place > 1 and local_date - before <= {days:UInt16})
union all
select *
from events
where toYYYYMM(local_date) = {month:UInt32}
    and not (
        local_date between {first:Date} and {last:Date}
        and (site_id, event_id) in (select site_id, event_id from dedupe_ids)
    )
