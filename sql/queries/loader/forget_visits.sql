-- Takes visits out of `visits`, to be derived again from their events.
-- Parameters: sites, first, last (local dates of their starts), visits.
delete from visits
where site_id in {sites:Array(UInt32)}
    and visit_date between {first:Date} and {last:Date}
    and visit_id in {visits:Array(UInt64)}
