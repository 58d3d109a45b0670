-- How many events a month holds. Parameter: month (YYYYMM).
select count() from events where toYYYYMM(local_date) = {month:UInt32}
