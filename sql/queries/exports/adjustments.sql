-- What became of orders, from events in the CTE `scoped`: the last one of each order. Grain: one row an order.
select
    toUnixTimestamp64Milli(max(s.timestamp)) as at,
    concat(
        s.props['order_id'], if(mapContains(s.props_number, 'order_id'), toString(s.props_number['order_id']), '')
    ) as order_id,
    toString(argMax(s.revenue, s.timestamp)) as value,
    argMax(s.currency, s.timestamp) as currency
from scoped as s
where order_id != ''
group by order_id
order by at, order_id
