-- Events in the CTE `scoped` as conversions: the last click before each, and what its person said last of consent and
-- told of contact data. Grain: one row a conversion.
-- Parameters: site, clicked_from, kinds, window, consent, contact.
with
    whose as (
        select visitor_id, person_id from persons where site_id = {site:UInt32}
    ),
    converted as (
        select
            if(w.person_id = 0, s.visitor_id, w.person_id) as person,
            s.timestamp as at,
            toString(s.event_id) as event,
            concat(
                s.props['order_id'],
                if(mapContains(s.props_number, 'order_id'), toString(s.props_number['order_id']), '')
            ) as told_order,
            if(told_order = '', event, told_order) as order_id,
            toString(s.revenue) as value,
            s.currency as currency,
            concat('https://', s.hostname, s.path) as url,
            s.user_agent as user_agent
        from scoped as s
        left join whose as w on w.visitor_id = s.visitor_id
    ),
    clicks as (
        select
            if(w.person_id = 0, e.visitor_id, w.person_id) as person,
            e.timestamp as at,
            e.click_id_kind as kind,
            e.click_id as click_id
        from events as e
        left join whose as w on w.visitor_id = e.visitor_id
        where
            e.site_id = {site:UInt32}
            and e.local_date >= {clicked_from:Date}
            and has({kinds:Array(String)}, e.click_id_kind)
            and e.click_id != ''
            and not e.bot
    ),
    spoken as (
        select
            if(w.person_id = 0, e.visitor_id, w.person_id) as person,
            splitByChar(',', argMaxIf(e.consent, (e.timestamp, e.received_at), e.consent != '')) as states,
            max(e.gpc) as gpc
        from events as e
        left join whose as w on w.visitor_id = e.visitor_id
        where e.site_id = {site:UInt32}
        group by person
        having person in (select person from converted)
    ),
    contacts as (
        select person, mapFromArrays(groupArray(form), groupArray(value)) as forms
        from (
            select
                if(w.person_id = 0, i.visitor_id, w.person_id) as person,
                i.form as form,
                argMax(i.value, i.told_at) as value
            from identities as i
            left join whose as w on w.visitor_id = i.visitor_id
            where i.site_id = {site:UInt32} and not endsWith(i.form, '.plain')
            group by person, form
        )
        where person in (select person from converted)
        group by person
    ),
    clicked as (
        select
            b.*,
            if(c.at < b.at - toIntervalSecond({window:UInt32}), '', c.kind) as kind,
            if(kind = '', '', c.click_id) as click_id,
            c.at as clicked_at
        from converted as b
        asof left join clicks as c on c.person = b.person and c.at <= b.at
    )
select
    toUnixTimestamp64Milli(b.at) as at,
    b.event as event,
    b.order_id as order_id,
    b.value as value,
    b.currency as currency,
    b.url as url,
    b.user_agent as user_agent,
    b.kind as kind,
    b.click_id as click_id,
    toUnixTimestamp64Milli(b.clicked_at) as clicked_at,
    arrayFirst(s -> startsWith(s, 'ad_user_data='), p.states) as user_data,
    arrayFirst(s -> startsWith(s, 'ad_personalization='), p.states) as personalization,
    c.forms as forms,
    multiIf(
        p.gpc, 'Sec-GPC',
        {consent:String} != 'any' and user_data = 'ad_user_data=denied', 'consent denied',
        {consent:String} = 'required' and user_data != 'ad_user_data=granted', 'consent not given',
        click_id != '' and not match(click_id, '^[A-Za-z0-9_.~-]+$'), 'malformed click id',
        click_id = '' and not ({contact:Bool} and (forms['email'] != '' or forms['phone'] != '')), 'no click',
        ''
    ) as reason
from clicked as b
left join spoken as p on p.person = b.person
left join contacts as c on c.person = b.person
