-- The name of this life of the engine.
select toString(min(id)) from engine_life
