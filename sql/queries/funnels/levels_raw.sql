-- How many visitors got how far in a funnel, from raw events. Grain: one row a level reached.
-- Parameters: site, first, last, bots, funnel. Times as in derivations/funnel_states.sql.
with reached as (
    select
        e.visitor_id as visitor_id,
        windowFunnel(362387865600000)(
            funnel_moment(e.timestamp, e.batch_seq, f.step),
            f.step = 1, f.step = 2, f.step = 3, f.step = 4, f.step = 5, f.step = 6, f.step = 7, f.step = 8
        ) as level
    from events as e
    inner join funnel_steps as f on e.site_id = f.site_id and toString(e.name) = f.name
    where e.site_id = {site:UInt32}
        and e.local_date between {first:Date} and {last:Date}
        and (not e.bot or {bots:Bool})
        and f.funnel_id = {funnel:UInt32}
        and (f.path = '' or e.path like f.path)
    group by visitor_id
)
select level, count() as visitors from reached group by level order by level
