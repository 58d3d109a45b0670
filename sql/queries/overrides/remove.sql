-- Ends an override. It stays, with who ended it and when. Parameters: id, by.
insert into event_overrides
select o.* replace ({by:String} as removed_by, now64(3) as removed_at, now64(3) as updated_at)
from event_overrides as o final
where o.override_id = {id:UInt32} and o.removed_at is null
