-- Gives events of joined visits the visit they belong to now. Safe to run twice.
-- Parameters: first, last (local dates), sites, and in the same order: old_ids, new_ids, starts, dates.
update events
set
    visit_start = transform(visit_id, {old_ids:Array(UInt64)}, {starts:Array(DateTime64(3, 'UTC'))}, visit_start),
    visit_date = transform(visit_id, {old_ids:Array(UInt64)}, {dates:Array(Date)}, visit_date),
    visit_id = transform(visit_id, {old_ids:Array(UInt64)}, {new_ids:Array(UInt64)}, visit_id)
where local_date between {first:Date} and {last:Date}
    and site_id in {sites:Array(UInt32)}
    and visit_id in {old_ids:Array(UInt64)}
