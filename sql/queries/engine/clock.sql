-- The engine's time, in milliseconds since 1970.
select toUnixTimestamp64Milli(now64(3))
