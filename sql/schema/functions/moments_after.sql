-- Of `moments` those that lie after one of `before`, at most `window` later; a window of 0 has no end.
create or replace function moments_after as (before, moments, window) -> arrayMap(at -> at.1, arrayFilter(
    (at, latest) -> at.2 = 0 and latest.2 = 1 and (window = 0 or at.1 - latest.1 <= window),
    moments_merged(before, moments), arrayFill(at -> at.2 = 1, moments_merged(before, moments))
))
