-- Persons of the audience that is being exported, and rows of it, by the reason why they are left out. Grain: one row a
-- reason; empty: they go out.
select reason, uniqExact(person) as people, if(reason = '', uniqExact(cells), 0) as rows
from work_export
group by reason
order by reason
