-- The rank of the override that decides a detected event; 0 where none does. `rules` is what `override_rules` says. Each
-- event looks its numbers up among those of the overrides, once for each combination of criteria that one of them has.
create or replace function deciding_rank as (rules, site, name, rule, selector, text) -> arrayMax(
    asked -> transform(
        override_key(site, asked, name, rule, selector, text),
        tupleElement(rules, 1), tupleElement(rules, 2), toUInt64(0)
    ),
    tupleElement(rules, 5)
)
