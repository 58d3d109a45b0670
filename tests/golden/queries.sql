-- === overview
with
p0_0 as (
select uniqMerge(s.visitors) as a_visitors, sumIf(s.events, s.name = 'page_view') as a_pageviews
from (select * from daily_events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
),
p1_0 as (
select count() as a_visits, countIf(s.bounce) as a_bounces, sum(toUInt64(round(s.duration * 1000))) / 1000 as a_seconds
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
),
p0_1 as (
select uniqMerge(s.visitors) as a_visitors, sumIf(s.events, s.name = 'page_view') as a_pageviews
from (select * from daily_events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b3_date:Date} and {b4_date:Date} and not s.bot) as s
),
p1_1 as (
select count() as a_visits, countIf(s.bounce) as a_bounces, sum(toUInt64(round(s.duration * 1000))) / 1000 as a_seconds
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b3_date:Date} and {b4_date:Date} and not s.bot) as s
)
select n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3, n.m4 as m4, n.m5 as m5, b.m0 as b0, b.m1 as b1, b.m2 as b2, b.m3 as b3, b.m4 as b4, b.m5 as b5
from (
select a_visitors as m0, a_visits as m1, a_pageviews as m2, if(a_visits = 0, null, a_pageviews / a_visits) as m3, if(a_visits = 0, null, a_bounces / a_visits) as m4, if(a_visits = 0, null, a_seconds / a_visits) as m5
from p0_0
cross join p1_0
) as n
cross join (
select a_visitors as m0, a_visits as m1, a_pageviews as m2, if(a_visits = 0, null, a_pageviews / a_visits) as m3, if(a_visits = 0, null, a_bounces / a_visits) as m4, if(a_visits = 0, null, a_seconds / a_visits) as m5
from p0_1
cross join p1_1
) as b
order by m0 desc, m1 desc, m2 desc
limit {b5_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_date = datetime.date(2026, 8, 31)
-- b4_date = datetime.date(2026, 9, 30)
-- b5_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === overview, exact
with
p0_0 as (
select count(distinct s.visitor_id) as a_visitors, countIf(s.name = 'page_view') as a_pageviews
from (select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
),
p1_0 as (
select count() as a_visits, countIf(s.bounce) as a_bounces, sum(toUInt64(round(s.duration * 1000))) / 1000 as a_seconds
from (select * from (
-- Visits, and the one place for their rules. Grain: one row a visit. Every day is there, closed or not: what is read
-- here is worked out at each reading, what was written for closed days is in `closed_visits`.

with
    JSONExtract(argMinMerge(v.first), 'Tuple(source LowCardinality(String), channel LowCardinality(String),
        referrer String, utm_source LowCardinality(String), utm_medium LowCardinality(String),
        utm_campaign LowCardinality(String), utm_term LowCardinality(String), utm_content LowCardinality(String),
        click_id_kind LowCardinality(String), country LowCardinality(String), device LowCardinality(String),
        browser LowCardinality(String), os LowCardinality(String), language LowCardinality(String),
        hostname LowCardinality(String), city LowCardinality(String))') as first
select
    site_id,
    visit_date,
    visitor_id,
    visit_id,
    max(v.bot) as bot,
    min(v.started) as started,
    max(v.ended) as ended,
    sum(v.pageviews) as pageviews,
    sum(v.events) as events,
    sum(v.interactions) as interactions,
    sum(v.engagement_ms) as engagement_ms,
    sum(v.revenue) as revenue,
    dateDiff('millisecond', started, ended) / 1000 as duration,
    is_bounce(pageviews, interactions) as bounce,
    argMinIfMerge(v.entry) as entry_page,
    argMaxIfMerge(v.exit) as exit_page,
    tupleElement(first, 'source') as source,
    tupleElement(first, 'channel') as channel,
    tupleElement(first, 'referrer') as referrer,
    tupleElement(first, 'utm_source') as utm_source,
    tupleElement(first, 'utm_medium') as utm_medium,
    tupleElement(first, 'utm_campaign') as utm_campaign,
    tupleElement(first, 'utm_term') as utm_term,
    tupleElement(first, 'utm_content') as utm_content,
    tupleElement(first, 'click_id_kind') as click_id_kind,
    tupleElement(first, 'country') as country,
    tupleElement(first, 'city') as city,
    tupleElement(first, 'device') as device,
    tupleElement(first, 'browser') as browser,
    tupleElement(first, 'os') as os,
    tupleElement(first, 'language') as language,
    tupleElement(first, 'hostname') as hostname,
    sum(v.checksum) as checksum
from (
-- Derives: visits. Grain: one row a visit and inserted block. Partition: visit_date.
select
    site_id,
    visit_date,
    visitor_id,
    visit_id,
    max(e.bot) as bot,
    min(e.timestamp) as started,
    max(e.timestamp) as ended,
    countIf(e.name = 'page_view') as pageviews,
    count() as events,
    countIf(e.interactive) as interactions,
    sum(toUInt64(e.engagement_ms)) as engagement_ms,
    sum(toDecimal128(e.revenue, 4)) as revenue,
    argMinState(
        toJSONString((
            e.source, e.channel, e.referrer,
            e.utm_source, e.utm_medium, e.utm_campaign, e.utm_term, e.utm_content,
            e.click_id_kind, e.country, e.device, e.browser, e.os, e.language, e.hostname, e.city)),
        arrival_order(e.timestamp, e.received_at, e.batch_seq, e.event_id)
    ) as first,
    argMinIfState(e.path, arrival_order(e.timestamp, e.received_at, e.batch_seq, e.event_id), e.name = 'page_view') as entry,
    argMaxIfState(e.path, arrival_order(e.timestamp, e.received_at, e.batch_seq, e.event_id), e.name = 'page_view') as exit,
    sum(cityHash64(e.event_id, e.visit_id)) as checksum
from (select * from events as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and s.local_date between {b1_date:Date} and {b3_date:Date}) as e
group by site_id, visit_date, visitor_id, visit_id

) as v
group by site_id, visit_date, visitor_id, visit_id

) as s where s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
)
select n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3, n.m4 as m4, n.m5 as m5
from (
select a_visitors as m0, a_visits as m1, a_pageviews as m2, if(a_visits = 0, null, a_pageviews / a_visits) as m3, if(a_visits = 0, null, a_bounces / a_visits) as m4, if(a_visits = 0, null, a_seconds / a_visits) as m5
from p0_0
cross join p1_0
) as n
order by m0 desc, m1 desc, m2 desc
limit {b4_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_date = datetime.date(2026, 11, 2)
-- b4_uint32 = 100
-- {'count_distinct_implementation': 'uniqExact'}

-- === series by week
with
p0_0 as (
select toInt32(intDiv(s.local_date - {b3_date:Date}, 7)) as d0, uniqMerge(s.visitors) as a_visitors, sumIf(s.events, s.name = 'page_view') as a_pageviews
from (select * from daily_events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
group by d0
),
p1_0 as (
select toInt32(intDiv(s.visit_date - {b3_date:Date}, 7)) as d0, count() as a_visits, countIf(s.bounce) as a_bounces, sum(toUInt64(round(s.duration * 1000))) / 1000 as a_seconds
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3, n.m4 as m4
from (
select d0, a_visitors as m0, a_visits as m1, a_pageviews as m2, if(a_visits = 0, null, a_bounces / a_visits) as m3, if(a_visits = 0, null, a_seconds / a_visits) as m4
from p0_0
full join p1_0 using (d0)
) as n
order by d0 asc, m0 desc, m1 desc, m2 desc
limit {b4_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_date = datetime.date(2026, 9, 28)
-- b4_uint32 = 4294967295
-- {'count_distinct_implementation': 'uniq'}

-- === pages
with
p0_0 as (
select toString(s.path) as d0, uniqMerge(s.visitors) as a_visitors, sum(s.pageviews) as a_pageviews
from (select * from daily_pages as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1
from (
select d0, a_visitors as m0, a_pageviews as m1
from p0_0
) as n
order by m0 desc, m1 desc, d0
limit {b3_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === entry-pages
with
p0_0 as (
select toString(s.entry_page) as d0, count(distinct s.visitor_id) as a_visitors, count() as a_visits, countIf(s.bounce) as a_bounces, sum(toUInt64(round(s.duration * 1000))) / 1000 as a_seconds
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot and s.pageviews > 0) as s
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3
from (
select d0, a_visitors as m0, a_visits as m1, if(a_visits = 0, null, a_bounces / a_visits) as m2, if(a_visits = 0, null, a_seconds / a_visits) as m3
from p0_0
) as n
order by m1 desc, m0 desc, d0
limit {b3_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === exit-pages
with
p0_0 as (
select toString(s.exit_page) as d0, count(distinct s.visitor_id) as a_visitors, countIf(s.pageviews > 0) as a_exits
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot and s.pageviews > 0) as s
group by d0
),
p1_0 as (
select s.path as d0, count() as a_views
from (select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b1_date:Date} and {b3_date:Date} and s.name = 'page_view' and s.visit_date between {b1_date:Date} and {b2_date:Date} and s.visit_id in (select visit_id from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot))) as s
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3
from (
select d0, a_visitors as m0, a_exits as m1, a_views as m2, if(a_views = 0, null, a_exits / a_views) as m3
from p0_0
left join p1_0 using (d0)
) as n
order by m1 desc, m0 desc, m2 desc, d0
limit {b4_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_date = datetime.date(2026, 11, 2)
-- b4_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === sources
with
p0_0 as (
select toString(s.source) as d0, count(distinct s.visitor_id) as a_visitors, count() as a_visits, countIf(s.bounce) as a_bounces, sum(toUInt64(round(s.duration * 1000))) / 1000 as a_seconds
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3
from (
select d0, a_visitors as m0, a_visits as m1, if(a_visits = 0, null, a_bounces / a_visits) as m2, if(a_visits = 0, null, a_seconds / a_visits) as m3
from p0_0
) as n
order by m0 desc, m1 desc, d0
limit {b3_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === channels
with
p0_0 as (
select toString(s.channel) as d0, count(distinct s.visitor_id) as a_visitors, count() as a_visits, countIf(s.bounce) as a_bounces, sum(toUInt64(round(s.duration * 1000))) / 1000 as a_seconds
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3
from (
select d0, a_visitors as m0, a_visits as m1, if(a_visits = 0, null, a_bounces / a_visits) as m2, if(a_visits = 0, null, a_seconds / a_visits) as m3
from p0_0
) as n
order by m0 desc, m1 desc, d0
limit {b3_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === countries
with
p0_0 as (
select toString(s.country) as d0, count(distinct s.visitor_id) as a_visitors, count() as a_visits, countIf(s.bounce) as a_bounces, sum(toUInt64(round(s.duration * 1000))) / 1000 as a_seconds
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3
from (
select d0, a_visitors as m0, a_visits as m1, if(a_visits = 0, null, a_bounces / a_visits) as m2, if(a_visits = 0, null, a_seconds / a_visits) as m3
from p0_0
) as n
order by m0 desc, m1 desc, d0
limit {b3_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === devices
with
p0_0 as (
select toString(s.device) as d0, count(distinct s.visitor_id) as a_visitors, count() as a_visits, countIf(s.bounce) as a_bounces, sum(toUInt64(round(s.duration * 1000))) / 1000 as a_seconds
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3
from (
select d0, a_visitors as m0, a_visits as m1, if(a_visits = 0, null, a_bounces / a_visits) as m2, if(a_visits = 0, null, a_seconds / a_visits) as m3
from p0_0
) as n
order by m0 desc, m1 desc, d0
limit {b3_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === browsers
with
p0_0 as (
select toString(s.browser) as d0, count(distinct s.visitor_id) as a_visitors, count() as a_visits, countIf(s.bounce) as a_bounces, sum(toUInt64(round(s.duration * 1000))) / 1000 as a_seconds
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3
from (
select d0, a_visitors as m0, a_visits as m1, if(a_visits = 0, null, a_bounces / a_visits) as m2, if(a_visits = 0, null, a_seconds / a_visits) as m3
from p0_0
) as n
order by m0 desc, m1 desc, d0
limit {b3_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === systems
with
p0_0 as (
select toString(s.os) as d0, count(distinct s.visitor_id) as a_visitors, count() as a_visits, countIf(s.bounce) as a_bounces, sum(toUInt64(round(s.duration * 1000))) / 1000 as a_seconds
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3
from (
select d0, a_visitors as m0, a_visits as m1, if(a_visits = 0, null, a_bounces / a_visits) as m2, if(a_visits = 0, null, a_seconds / a_visits) as m3
from p0_0
) as n
order by m0 desc, m1 desc, d0
limit {b3_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === events
with
p0_0 as (
select toString(toString(s.name)) as d0, uniqMerge(s.visitors) as a_visitors, sum(s.events) as a_events
from (select * from daily_events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
group by d0
),
p1_0 as (
select uniqMerge(s.visitors) as a_everyone
from (select * from daily_events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1, n.m2 as m2
from (
select d0, (select a_everyone from p1_0) as a_everyone, a_visitors as m0, a_events as m1, if(a_everyone = 0, null, a_visitors / a_everyone) as m2
from p0_0
) as n
order by m0 desc, m1 desc, d0
limit {b3_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === detected
with
p0_0 as (
select toString(s.kind) as d0, count(distinct s.visitor_id) as a_visitors, count() as a_events, count(distinct s.visit_id) as a_visits, countIf(s.override != '') as a_overridden
from (select * from (
-- What the tracker detected, as corrected: columns of the event, and what it was detected as. Grain: one row a detected
-- event. The one place where overrides are applied.

with (select rules from override_rules) as rules
select
    * except (name),
    toString(e.name) as name,
    concat(hostname, path) as url,
    e.props['kind'] as kind_detected,
    e.props['confidence'] as confidence_detected,
    e.props['rule'] as rule,
    coalesce(nullIf(e.props['selector'], ''), e.props['form']) as selector, -- a form is named by itself
    e.props['text'] as text,
    deciding_rank(rules, site_id, name, rule, selector, text) as override_rank,
    transform(override_rank, tupleElement(rules, 2), tupleElement(rules, 4), '') as override,
    if(
        override_rank = 0,
        kind_detected,
        transform(override_rank, tupleElement(rules, 2), tupleElement(rules, 3), '')
    ) as kind,
    if(override_rank = 0, confidence_detected, 'reviewed') as confidence
from (
select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b1_date:Date} and {b2_date:Date} and not s.bot
) as e
where e.name in ('click', 'form_submit')
    and e.props['kind'] != ''
    and e.props['confidence'] in ('high', 'medium', 'low')

) as s where s.kind != 'none') as s
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3
from (
select d0, a_visitors as m0, a_events as m1, a_visits as m2, if(a_events = 0, null, a_overridden / a_events) as m3
from p0_0
) as n
order by m0 desc, m1 desc, m2 desc, d0
limit {b3_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === campaigns
with
p0_0 as (
select toString(s.utm_campaign) as d0, count(distinct s.visitor_id) as a_visitors, count() as a_visits, countIf(s.bounce) as a_bounces, sum(toUInt64(round(s.duration * 1000))) / 1000 as a_seconds
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot and s.utm_campaign != '') as s
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3
from (
select d0, a_visitors as m0, a_visits as m1, if(a_visits = 0, null, a_bounces / a_visits) as m2, if(a_visits = 0, null, a_seconds / a_visits) as m3
from p0_0
) as n
order by m0 desc, m1 desc, d0
limit {b3_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === dimensions of both levels
with
p0_0 as (
select w.w0 as d0, toString(concat(s.props[{b3_string:String}], if(mapContains(s.props_number, {b3_string:String}), toString(s.props_number[{b3_string:String}]), ''), if(mapContains(s.props_bool, {b3_string:String}), toString(s.props_bool[{b3_string:String}]), ''))) as d1, count(distinct s.visitor_id) as a_visitors, count() as a_events
from (select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
inner join (select s.visit_id as visit_id, s.country as w0 from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b4_date:Date} and {b2_date:Date}) as s) as w on s.visit_id = w.visit_id
group by d0, d1
)
select n.d0 as d0, n.d1 as d1, n.m0 as m0, n.m1 as m1
from (
select d0, d1, a_visitors as m0, a_events as m1
from p0_0
) as n
order by m0 desc, m1 desc, d0, d1
limit {b5_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_string = 'plan'
-- b4_date = datetime.date(2026, 9, 29)
-- b5_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === conditions of both levels
with
p0_0 as (
select count() as a_visits
from (select * from visits_merged as s where s.site_id = {b3_uint32:UInt32} and s.visit_date between {b4_date:Date} and {b6_date:Date} and not s.bot and (s.country in {b0_array_string:Array(String)} and not ((s.pageviews > {b1_float64:Float64} or s.visit_id in (select visit_id from (select * from events as s where s.site_id = {b3_uint32:UInt32} and s.local_date between {b4_date:Date} and {b5_date:Date} and not s.bot and (s.name = 'page_view' and arrayExists(v -> startsWith(s.path, v), {b2_array_string:Array(String)})))))))) as s
)
select n.m0 as m0
from (
select a_visits as m0
from p0_0
) as n
order by m0 desc
limit {b7_uint32:UInt32}
-- b0_array_string = ['FR', 'DE']
-- b1_float64 = 3.0
-- b2_array_string = ['/a']
-- b3_uint32 = 1
-- b4_date = datetime.date(2026, 10, 1)
-- b5_date = datetime.date(2026, 11, 2)
-- b6_date = datetime.date(2026, 10, 31)
-- b7_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === of events, with a condition of visits
with
p0_0 as (
select count() as a_events
from (select * from events as s where s.site_id = {b2_uint32:UInt32} and s.local_date between {b5_date:Date} and {b4_date:Date} and not s.bot and (match(s.title, {b0_string:String}) or s.visit_id in (select visit_id from (select * from visits_merged as s where s.site_id = {b2_uint32:UInt32} and s.visit_date between {b3_date:Date} and {b4_date:Date} and s.source in {b1_array_string:Array(String)})))) as s
)
select n.m0 as m0
from (
select a_events as m0
from p0_0
) as n
order by m0 desc
limit {b6_uint32:UInt32}
-- b0_string = 'x'
-- b1_array_string = ['Google']
-- b2_uint32 = 1
-- b3_date = datetime.date(2026, 9, 29)
-- b4_date = datetime.date(2026, 10, 31)
-- b5_date = datetime.date(2026, 10, 1)
-- b6_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === a segment of a sample
with
p0_0 as (
select count(distinct s.visitor_id) / 0.1 as a_visitors
from (select * from events as s where s.site_id = {b2_uint32:UInt32} and s.local_date between {b3_date:Date} and {b4_date:Date} and not s.bot and s.visitor_id in (select visitor_id from (select * from events as s where s.site_id = {b2_uint32:UInt32} and s.local_date between {b3_date:Date} and {b4_date:Date} and not s.bot and ((s.name = 'page_view' and s.path in {b0_array_string:Array(String)}) and toString(s.name) in {b1_array_string:Array(String)}) and s.visitor_id < {b5_uint64:UInt64})) and s.visitor_id < {b5_uint64:UInt64}) as s
)
select n.m0 as m0
from (
select toUInt64(round(a_visitors)) as m0
from p0_0
) as n
order by m0 desc
limit {b6_uint32:UInt32}
-- b0_array_string = ['/buy']
-- b1_array_string = ['click']
-- b2_uint32 = 1
-- b3_date = datetime.date(2026, 10, 1)
-- b4_date = datetime.date(2026, 10, 31)
-- b5_uint64 = 1844674407370955263
-- b6_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === a goal by source
with
p0_0 as (
select toString(s.source) as d0, count(distinct s.visitor_id) as a_visitors
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
group by d0
),
p1_0 as (
select toString(s.source) as d0, count(distinct s.visitor_id) as a_conversions
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
inner join (
select s.visit_id as visit_id, count() as completions, toFloat64(sum(toDecimal128(s.revenue, 4))) as revenue from (select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b6_date:Date} and {b7_date:Date} and not s.bot and (toString(s.name) in {b3_array_string:Array(String)} and concat(s.props[{b4_string:String}], if(mapContains(s.props_number, {b4_string:String}), toString(s.props_number[{b4_string:String}]), ''), if(mapContains(s.props_bool, {b4_string:String}), toString(s.props_bool[{b4_string:String}]), '')) in {b5_array_string:Array(String)})) as s group by visit_id
) as g on s.visit_id = g.visit_id
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1
from (
select d0, a_visitors as m0, if(a_visitors = 0, null, a_conversions / a_visitors) as m1
from p0_0
full join p1_0 using (d0)
) as n
order by m0 desc, d0
limit {b8_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_array_string = ['signup']
-- b4_string = 'plan'
-- b5_array_string = ['pro']
-- b6_date = datetime.date(2026, 9, 29)
-- b7_date = datetime.date(2026, 11, 2)
-- b8_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === a goal by page, where a visit lasts
with
p0_0 as (
select toString(s.path) as d0, count(distinct s.visitor_id) as a_conversions
from (select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b1_date:Date} and {b2_date:Date} and not s.bot and s.name = 'page_view') as s
inner join (
select s.visit_id as visit_id, 1 as completions, toFloat64(s.revenue) as revenue from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b4_date:Date} and {b5_date:Date} and s.duration >= {b3_float64:Float64}) as s
) as g on s.visit_id = g.visit_id
group by d0
)
select n.d0 as d0, n.m0 as m0
from (
select d0, a_conversions as m0
from p0_0
) as n
order by m0 desc, d0
limit {b6_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_float64 = 120.0
-- b4_date = datetime.date(2026, 9, 29)
-- b5_date = datetime.date(2026, 11, 2)
-- b6_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === of a segment
with
p0_0 as (
select toString(s.source) as d0, count(distinct s.visitor_id) as a_visitors, sum(s.events) as a_events
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b2_date:Date} and {b3_date:Date} and not s.bot and s.visitor_id in (select visitor_id from (select * from current_members as s where s.site_id = {b0_uint32:UInt32} and s.segment in {b1_array_string:Array(String)}))) as s
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1
from (
select d0, a_visitors as m0, a_events as m1
from p0_0
) as n
order by m0 desc, m1 desc, d0
limit {b4_uint32:UInt32}
-- b0_uint32 = 1
-- b1_array_string = ['buyers']
-- b2_date = datetime.date(2026, 10, 1)
-- b3_date = datetime.date(2026, 10, 31)
-- b4_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === of those who are not of it
with
p0_0 as (
select count() as a_visits
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b3_date:Date} and {b4_date:Date} and not s.bot and (not (s.visitor_id in (select visitor_id from (select * from current_members as s where s.site_id = {b0_uint32:UInt32} and s.segment in {b1_array_string:Array(String)}))) and s.country in {b2_array_string:Array(String)})) as s
)
select n.m0 as m0
from (
select a_visits as m0
from p0_0
) as n
order by m0 desc
limit {b5_uint32:UInt32}
-- b0_uint32 = 1
-- b1_array_string = ['buyers']
-- b2_array_string = ['FR']
-- b3_date = datetime.date(2026, 10, 1)
-- b4_date = datetime.date(2026, 10, 31)
-- b5_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === having
with
p0_0 as (
select toString(s.browser) as d0, count() as a_visits
from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s
group by d0
)
select n.d0 as d0, n.m0 as m0
from (
select d0, a_visits as m0
from p0_0
where m0 >= {b3_float64:Float64}
) as n
order by m0 desc, d0
limit {b4_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_float64 = 10.0
-- b4_uint32 = 4294967295
-- {'count_distinct_implementation': 'uniq'}

-- === overview, sampled
with
p0_0 as (
select toFloat64(sum(i.a_visitors)) / 1000000 as a_visitors, toFloat64(sum(i.a_pageviews)) / 1000000 as a_pageviews
from (
select s.visitor_id as visitor_id, min(s.weight) as a_visitors, sumIf(s.weight, s.name = 'page_view') as a_pageviews
from (select *, sample_weight(s.props_number) as weight from (
select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b1_date:Date} and {b2_date:Date} and not s.bot
) as s) as s
group by visitor_id
) as i
),
p1_0 as (
select toFloat64(sum(s.weight)) / 1000000 as a_visits, toFloat64(sumIf(s.weight, s.bounce)) / 1000000 as a_bounces, toFloat64(sum(toUInt128(s.weight) * toUInt64(round(s.duration * 1000)))) / 1000000000 as a_seconds
from (select s.*, if(w.weight = 0, 1000000, w.weight) as weight, if(w.weight = 0, s.pageviews * 1000000, w.pageviews) as weighted_pageviews, if(w.weight = 0, s.events * 1000000, w.events) as weighted_events, if(w.weight = 0, s.revenue * 1000000, w.revenue) as weighted_revenue from (
select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot
) as s
left join (
select s.visit_id as of, min(s.weight) as weight, sumIf(s.weight, s.name = 'page_view') as pageviews, sum(s.weight) as events, sum(toDecimal128(s.revenue, 4) * s.weight) as revenue
from (
select *, sample_weight(s.props_number) as weight from (
select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b3_date:Date} and {b5_date:Date} and s.visit_date between {b3_date:Date} and {b4_date:Date}
) as s
) as s
group by of having max(s.weight) > 1000000
) as w on s.visit_id = w.of) as s
)
select n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3, n.m4 as m4, n.m5 as m5
from (
select toUInt64(round(a_visitors)) as m0, toUInt64(round(a_visits)) as m1, toUInt64(round(a_pageviews)) as m2, if(a_visits = 0, null, a_pageviews / a_visits) as m3, if(a_visits = 0, null, a_bounces / a_visits) as m4, if(a_visits = 0, null, a_seconds / a_visits) as m5
from p0_0
cross join p1_0
) as n
order by m0 desc, m1 desc, m2 desc
limit {b6_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_date = datetime.date(2026, 10, 3)
-- b4_date = datetime.date(2026, 10, 7)
-- b5_date = datetime.date(2026, 10, 9)
-- b6_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === pages with their visits, sampled
with
p0_0 as (
select d0, toFloat64(sum(i.a_visitors)) / 1000000 as a_visitors, toFloat64(sum(i.a_visits)) / 1000000 as a_visits, toFloat64(sum(i.a_events)) / 1000000 as a_events
from (
select d0, visitor_id, min(i.a_visitors) as a_visitors, sum(i.a_visits) as a_visits, sum(i.a_events) as a_events
from (
select toString(s.path) as d0, s.visitor_id as visitor_id, s.visit_id as visit_id, min(s.weight) as a_visitors, min(s.weight) as a_visits, sum(s.weight) as a_events
from (select *, sample_weight(s.props_number) as weight from (
select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b1_date:Date} and {b2_date:Date} and not s.bot and s.name = 'page_view'
) as s) as s
group by d0, visitor_id, visit_id
) as i
group by d0, visitor_id
) as i
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1, n.m2 as m2
from (
select d0, toUInt64(round(a_visitors)) as m0, toUInt64(round(a_visits)) as m1, toUInt64(round(a_events)) as m2
from p0_0
) as n
order by m0 desc, m1 desc, m2 desc, d0
limit {b3_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === a goal by source, sampled
with
p0_0 as (
select d0, toFloat64(sum(i.a_completions)) / 1000000 as a_completions, toFloat64(sum(i.a_conversions)) / 1000000 as a_conversions
from (
select toString(s.source) as d0, s.visitor_id as visitor_id, sum(g.completions) as a_completions, min(s.weight) as a_conversions
from (select s.*, if(w.weight = 0, 1000000, w.weight) as weight, if(w.weight = 0, s.pageviews * 1000000, w.pageviews) as weighted_pageviews, if(w.weight = 0, s.events * 1000000, w.events) as weighted_events, if(w.weight = 0, s.revenue * 1000000, w.revenue) as weighted_revenue from (
select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot
) as s
left join (
select s.visit_id as of, min(s.weight) as weight, sumIf(s.weight, s.name = 'page_view') as pageviews, sum(s.weight) as events, sum(toDecimal128(s.revenue, 4) * s.weight) as revenue
from (
select *, sample_weight(s.props_number) as weight from (
select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b3_date:Date} and {b5_date:Date} and s.visit_date between {b3_date:Date} and {b4_date:Date}
) as s
) as s
group by of having max(s.weight) > 1000000
) as w on s.visit_id = w.of) as s
inner join (
select s.visit_id as visit_id, s.weight as completions, s.weighted_revenue as revenue from (select s.*, if(w.weight = 0, 1000000, w.weight) as weight, if(w.weight = 0, s.pageviews * 1000000, w.pageviews) as weighted_pageviews, if(w.weight = 0, s.events * 1000000, w.events) as weighted_events, if(w.weight = 0, s.revenue * 1000000, w.revenue) as weighted_revenue from (
select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b7_date:Date} and {b8_date:Date} and s.duration >= {b6_float64:Float64}
) as s
left join (
select s.visit_id as of, min(s.weight) as weight, sumIf(s.weight, s.name = 'page_view') as pageviews, sum(s.weight) as events, sum(toDecimal128(s.revenue, 4) * s.weight) as revenue
from (
select *, sample_weight(s.props_number) as weight from (
select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b3_date:Date} and {b5_date:Date} and s.visit_date between {b3_date:Date} and {b4_date:Date}
) as s
) as s
group by of having max(s.weight) > 1000000
) as w on s.visit_id = w.of) as s
) as g on s.visit_id = g.visit_id
group by d0, visitor_id
) as i
group by d0
),
p1_0 as (
select d0, toFloat64(sum(i.a_visitors)) / 1000000 as a_visitors
from (
select toString(s.source) as d0, s.visitor_id as visitor_id, min(s.weight) as a_visitors
from (select s.*, if(w.weight = 0, 1000000, w.weight) as weight, if(w.weight = 0, s.pageviews * 1000000, w.pageviews) as weighted_pageviews, if(w.weight = 0, s.events * 1000000, w.events) as weighted_events, if(w.weight = 0, s.revenue * 1000000, w.revenue) as weighted_revenue from (
select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot
) as s
left join (
select s.visit_id as of, min(s.weight) as weight, sumIf(s.weight, s.name = 'page_view') as pageviews, sum(s.weight) as events, sum(toDecimal128(s.revenue, 4) * s.weight) as revenue
from (
select *, sample_weight(s.props_number) as weight from (
select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b3_date:Date} and {b5_date:Date} and s.visit_date between {b3_date:Date} and {b4_date:Date}
) as s
) as s
group by of having max(s.weight) > 1000000
) as w on s.visit_id = w.of) as s
group by d0, visitor_id
) as i
group by d0
)
select n.d0 as d0, n.m0 as m0, n.m1 as m1
from (
select d0, toUInt64(round(a_completions)) as m0, if(a_visitors = 0, null, a_conversions / a_visitors) as m1
from p0_0
full join p1_0 using (d0)
) as n
order by m0 desc, d0
limit {b9_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_date = datetime.date(2026, 10, 3)
-- b4_date = datetime.date(2026, 10, 7)
-- b5_date = datetime.date(2026, 10, 9)
-- b6_float64 = 120.0
-- b7_date = datetime.date(2026, 9, 29)
-- b8_date = datetime.date(2026, 11, 2)
-- b9_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}

-- === exit pages by device, sampled
with
p0_0 as (
select d0, d1, toFloat64(sum(i.a_visitors)) / 1000000 as a_visitors, toFloat64(sum(i.a_exits)) / 1000000 as a_exits
from (
select toString(s.exit_page) as d0, toString(s.device) as d1, s.visitor_id as visitor_id, min(s.weight) as a_visitors, sumIf(s.weight, s.pageviews > 0) as a_exits
from (select s.*, if(w.weight = 0, 1000000, w.weight) as weight, if(w.weight = 0, s.pageviews * 1000000, w.pageviews) as weighted_pageviews, if(w.weight = 0, s.events * 1000000, w.events) as weighted_events, if(w.weight = 0, s.revenue * 1000000, w.revenue) as weighted_revenue from (
select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot and s.pageviews > 0
) as s
left join (
select s.visit_id as of, min(s.weight) as weight, sumIf(s.weight, s.name = 'page_view') as pageviews, sum(s.weight) as events, sum(toDecimal128(s.revenue, 4) * s.weight) as revenue
from (
select *, sample_weight(s.props_number) as weight from (
select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b3_date:Date} and {b5_date:Date} and s.visit_date between {b3_date:Date} and {b4_date:Date}
) as s
) as s
group by of having max(s.weight) > 1000000
) as w on s.visit_id = w.of) as s
group by d0, d1, visitor_id
) as i
group by d0, d1
),
p1_0 as (
select s.path as d0, w.w1 as d1, toFloat64(sum(s.weight)) / 1000000 as a_views
from (select *, sample_weight(s.props_number) as weight from (
select * from events as s where s.site_id = {b0_uint32:UInt32} and s.local_date between {b1_date:Date} and {b6_date:Date} and s.name = 'page_view' and s.visit_date between {b1_date:Date} and {b2_date:Date}
) as s) as s
inner join (select s.visit_id as visit_id, toString(s.device) as w1 from (select * from visits_merged as s where s.site_id = {b0_uint32:UInt32} and s.visit_date between {b1_date:Date} and {b2_date:Date} and not s.bot) as s) as w on s.visit_id = w.visit_id
group by d0, d1
)
select n.d0 as d0, n.d1 as d1, n.m0 as m0, n.m1 as m1, n.m2 as m2, n.m3 as m3
from (
select d0, d1, toUInt64(round(a_visitors)) as m0, toUInt64(round(a_exits)) as m1, toUInt64(round(a_views)) as m2, if(a_views = 0, null, a_exits / a_views) as m3
from p0_0
left join p1_0 using (d0, d1)
) as n
order by m0 desc, m1 desc, m2 desc, d0, d1
limit {b7_uint32:UInt32}
-- b0_uint32 = 1
-- b1_date = datetime.date(2026, 10, 1)
-- b2_date = datetime.date(2026, 10, 31)
-- b3_date = datetime.date(2026, 10, 3)
-- b4_date = datetime.date(2026, 10, 7)
-- b5_date = datetime.date(2026, 10, 9)
-- b6_date = datetime.date(2026, 11, 2)
-- b7_uint32 = 100
-- {'count_distinct_implementation': 'uniq'}
