-- Steps of the funnels in force. Grain: one row a funnel and step, numbered from 1.
create or replace view funnel_steps as
select site_id, funnel_id, step, item.name as name, item.path as path
from (select * from funnels final where not deleted)
array join steps as item, arrayEnumerate(steps) as step
