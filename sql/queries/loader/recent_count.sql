-- How many events lie on local dates from `since` on. Parameter: since.
select count() from events where local_date >= {since:Date}
