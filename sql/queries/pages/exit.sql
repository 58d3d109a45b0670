-- Pages on which visits ended, and the share of each page's views that were the last of a visit.
-- Grain: one row a path. Reads `scoped`: visits. Parameters: site, first, last, limit.
-- Page views are those of the same visits, on whatever day they lie: no rate is over 1. No rollup has page views by the
-- day of their visit, so they are counted from raw events.
with
    exit as (
        select exit_page as page, count(distinct visitor_id) as visitors, count() as exits
        from scoped
        where pageviews > 0
        group by page
    ),
    viewed as (
        select path as page, count() as pageviews
        from events
        where site_id = {site:UInt32}
            and visit_date between {first:Date} and {last:Date}
            and local_date between {first:Date} and {last:Date} + 2
            and visit_id in (select visit_id from scoped)
            and name = 'page_view'
        group by page
    )
select
    page,
    exit.visitors as visitors,
    exit.exits as exits,
    viewed.pageviews as pageviews,
    if(pageviews = 0, null, exits / pageviews) as exit_rate
from exit
left join viewed using page
order by exits desc, visitors desc, page
limit {limit:UInt32}
