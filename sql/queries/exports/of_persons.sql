-- Exported audiences that have contact data of some visitors. Grain: one row an export. Parameters: site, visitors.
with
    their as (
        select groupUniqArray(value)
        from identities
        where
            site_id = {site:UInt32}
            and has({visitors:Array(UInt64)}, visitor_id)
            and (startsWith(form, 'email') or startsWith(form, 'phone'))
    )
select export, count() as rows
from exported_members
where site_id = {site:UInt32} and hasAny(cells, (select * from their))
group by export
order by export
