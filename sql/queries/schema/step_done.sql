-- Records one applied step. Parameters: name, kind, checksum.
insert into schema_steps (name, kind, checksum) select {name:String}, {kind:String}, {checksum:String}
