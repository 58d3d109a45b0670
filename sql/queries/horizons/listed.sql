-- From which local day on what is stored of sites is whole. Grain: one row a site and what.
select site_id, toString(what) as what, since from horizons final order by site_id, what
