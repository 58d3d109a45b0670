-- How many events lie on some local dates. Parameters: first, last.
select count() from events where local_date between {first:Date} and {last:Date}
