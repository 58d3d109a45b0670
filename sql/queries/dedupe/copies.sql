-- Events that stand again: of rows with one id, those at most `days` after the row before. Rows further apart are
-- events of their own. Grain: site and month. Parameters: first, last (local dates), days.
with
    placed as (
        select
            site_id,
            event_id,
            local_date,
            visit_date,
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
select
    site_id,
    toYYYYMM(local_date) as month,
    uniqExact(event_id) as ids,
    count() as copies,
    min(local_date) as first_day,
    max(local_date) as last_day,
    arraySort(groupUniqArray(toYYYYMM(visit_date))) as visit_months
from placed
where place > 1 and local_date - before <= {days:UInt16}
group by site_id, month
order by site_id, month
