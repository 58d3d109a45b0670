-- The errors that this life of the engine has met, the latest last. Grain: one row an error code.
select code, value, last_error_message from system.errors order by last_error_time
