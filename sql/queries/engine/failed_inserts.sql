-- How many inserts have failed in this life of the engine. Grain: one row; none where none has failed.
select value from system.events where event = 'FailedInsertQuery'
