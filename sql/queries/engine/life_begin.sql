-- Names this life of the engine.
insert into engine_life select generateUUIDv4()
