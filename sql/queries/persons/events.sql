-- Events of visitors of a site, in their order. Grain: one row an event. Parameters: site, visitors, users.
select *
from events
where site_id = {site:UInt32}
        and (
            has({visitors:Array(UInt64)}, visitor_id)
            or visitor_id in (
                select visitor_id
                from events
                where site_id = {site:UInt32} and has({users:Array(String)}, user_id)
            )
        )
order by timestamp, arrival_order(timestamp, received_at, batch_seq, event_id)
