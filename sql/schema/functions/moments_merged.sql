-- Two lists of moments in one order: those of the first are marked 1, those of the second 0, which come first where they
-- are at the same time.
create or replace function moments_merged as (marked, others) -> arraySort(
    arrayConcat(arrayMap(moment -> (moment, 1), marked), arrayMap(moment -> (moment, 0), others))
)
