-- From which local day on raw events are whole, by site. Grain: one row. The first site is none: `transform` refuses
-- empty arrays. Days before it are neither compared with raw events nor derived from them.
create or replace view raw_horizons as
select groupArray(site_id) as sites, groupArray(since) as since
from (
    select toUInt32(0) as site_id, toDate('1970-01-01') as since
    union all
    select site_id, since from horizons final where what = 'events'
)
