-- How many parts that are not part of any of these tables any more are on disk. Grain: one row. Parameters: tables.
select count() from system.parts where database = currentDatabase() and not active and table in {tables:Array(String)}
