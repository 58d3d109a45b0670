-- What affiliates brought. Grain: one row a partner ('': no click was found) and currency; clicks are of the partner.
-- A landing is a click of the first definition that it matches; of some parameters only the tracker can say
-- (affiliate_click). Conversions are those whose first postback lies in the period; their status and amounts are the
-- newest, by the network's time or else by arrival. Their click is the last or first of the visitor who had their
-- click id, within the window. Parameters: site, zone, first, last (local days), since (first day of clicks),
-- first_click, and lists with a place for each definition: partners, networks, windows (seconds), hosts, paths,
-- click_ids, queries (between two &).
with
    landings as (
        select
            e.name = 'affiliate_click' as said,
            if(said, lower(e.props['parameter']), e.click_id_kind) as kind,
            if(said, e.props['click_id'], e.click_id) as click_id,
            e.visitor_id as visitor_id,
            toString(e.hostname) as hostname,
            e.path as path,
            concat('&', e.query, '&') as query,
            e.timestamp as timestamp,
            e.local_date as local_date
        from events as e
        where e.site_id = {site:UInt32}
            and e.local_date between {since:Date} and today() + 1
            and not e.bot
            and has({click_ids:Array(String)}, kind)
            and click_id != ''
    ),
    pages as (
        select
            kind,
            hostname,
            path,
            query,
            -- once a page: of keys alone, the engine would do it for every landing, below the grouping
            if(count() > 0, arrayFirstIndex(
                (its_host, its_path, its_kind, its_query) -> startsWith(path, its_path)
                    and kind = its_kind
                    and (its_host = '' or hostname = its_host)
                    and (its_query = '' or position(query, its_query) > 0),
                {hosts:Array(String)}, {paths:Array(String)}, {click_ids:Array(String)}, {queries:Array(String)}
            ), 0) as place
        from landings
        group by kind, hostname, path, query
    ),
    clicks as (
        select p.place as place, l.click_id as click_id, l.visitor_id as visitor_id, min(l.timestamp) as clicked,
            min(l.local_date) as day
        from landings as l
        inner join pages as p
            on p.kind = l.kind and p.hostname = l.hostname and p.path = l.path and p.query = l.query
        where p.place > 0
        group by place, click_id, visitor_id
    ),
    steps as (
        select
            event_id,
            received_at,
            batch_seq,
            if(props_number['at'] > 0, fromUnixTimestamp64Milli(toInt64(props_number['at']), 'UTC'), received_at) as told,
            props
        from events
        where site_id = {site:UInt32}
            and name = 'postback'
            and has(splitByChar(',', bot_reasons), 'postback')
        order by received_at, batch_id, batch_seq
        limit 1 by event_id
    ),
    conversions as (
        select
            props['network'] as network,
            props['transaction'] as transaction,
            props['event'] as event,
            min(told) as converted,
            argMax(props['status'], (told, received_at, batch_seq, event_id)) as status,
            argMaxIf(props['click_id'], (told, received_at, batch_seq, event_id), props['click_id'] != '') as click_id,
            argMaxIf(props['currency'], (told, received_at, batch_seq, event_id), props['currency'] != '') as currency,
            argMaxIf(toDecimal64OrZero(props['payout'], 4), (told, received_at, batch_seq, event_id), props['payout'] != '') as payout,
            argMaxIf(toDecimal64OrZero(props['revenue'], 4), (told, received_at, batch_seq, event_id), props['revenue'] != '') as revenue
        from steps
        group by network, transaction, event
        having toDate(converted, {zone:String}) between {first:Date} and {last:Date}
    ),
    matched as (
        select
            c.network as network,
            c.transaction as transaction,
            c.event as event,
            if({first_click:Bool}, argMin(k.place, (k.clicked, k.place)), argMax(k.place, (k.clicked, k.place))) as place,
            if({first_click:Bool}, min(k.clicked), max(k.clicked)) as clicked
        from conversions as c
        inner join (select distinct click_id, visitor_id from clicks) as own on own.click_id = c.click_id
        inner join clicks as k on k.visitor_id = own.visitor_id
        where k.clicked <= c.converted
            and k.clicked >= c.converted - toIntervalSecond(arrayElement({windows:Array(UInt32)}, k.place))
            and has(['', c.network], arrayElement({networks:Array(String)}, k.place))
        group by network, transaction, event
    ),
    converted as (
        select
            if(m.place = 0, '', arrayElement({partners:Array(String)}, m.place)) as partner,
            c.currency as currency,
            count() as conversions,
            countIf(c.status = 'approved') as approved,
            countIf(c.status = 'pending') as pending,
            countIf(c.status = 'reversed') as reversed,
            sumIf(c.payout, c.status != 'reversed') as payout,
            sumIf(c.revenue, c.status != 'reversed') as revenue,
            quantileExactIf(0.5)(toUnixTimestamp64Milli(c.converted) - toUnixTimestamp64Milli(m.clicked), m.place > 0) as took
        from conversions as c
        left join matched as m on m.network = c.network and m.transaction = c.transaction and m.event = c.event
        group by partner, currency
    ),
    clicked as (
        select partner, count() as clicks
        from (
            select arrayElement({partners:Array(String)}, place) as partner, click_id, min(day) as day
            from clicks
            group by partner, click_id
            having day between {first:Date} and {last:Date}
        )
        group by partner
    )
select
    if(v.conversions > 0, v.partner, k.partner) as partner,
    k.clicks as clicks,
    v.conversions as conversions,
    v.approved as approved,
    v.pending as pending,
    v.reversed as reversed,
    v.approved / nullIf(v.approved + v.reversed, 0) as approval_rate,
    v.currency as currency,
    toFloat64(v.payout) as payout,
    toFloat64(v.revenue) as revenue,
    if(v.conversions > 0 and partner != '', v.took / 1000, null) as time_to_convert
from converted as v
full join clicked as k on k.partner = v.partner
order by revenue desc, conversions desc, clicks desc, partner, currency
