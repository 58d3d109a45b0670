-- One number for a site and what an override asks for. `asked` says which of the four values count (bits 0 to 3), so
-- that an event has one such number for each combination.
create or replace function override_key as (site, asked, name, rule, selector, text) -> cityHash64(
    site,
    toUInt8(asked),
    if(bitTest(asked, 0), name, ''),
    if(bitTest(asked, 1), rule, ''),
    if(bitTest(asked, 2), selector, ''),
    if(bitTest(asked, 3), text, '')
)
