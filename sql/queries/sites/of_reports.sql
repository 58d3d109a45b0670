-- Sites as reports need them. Grain: one row a site, by domain.
select site_id, domain, timezone, toString(currency) as currency from sites final order by domain
