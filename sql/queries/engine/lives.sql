-- Whether this life of the engine has a name yet. Grain: one number.
select count() from engine_life
