-- How a table is stored: its engine with keys and settings, as a statement says it. Grain: one row. Parameter: table.
select engine_full from system.tables where database = currentDatabase() and name = {table:String}
