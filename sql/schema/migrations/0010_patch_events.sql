-- Events of joined visits get their visit by lightweight updates, which write the rows that change. A mutation wrote
-- three columns of the whole month, so that one late event cost what a month holds.
alter table events modify setting enable_block_number_column = 1, enable_block_offset_column = 1;
