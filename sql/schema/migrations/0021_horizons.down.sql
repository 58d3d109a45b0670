-- Refused where retention has removed anything: without horizons, the days before would be derived from nothing.
select throwIf(count() > 0, 'retention has removed raw events') from horizons;

drop view if exists raw_horizons;

drop table if exists horizons;
