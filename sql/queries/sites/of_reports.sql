-- Sites as reports need them, archived ones too. Grain: one row a site, by domain.
select site_id, domain, timezone, toString(currency) as currency
from sites final
where removed_at is null
order by domain
