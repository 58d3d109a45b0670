-- Of `before` those that no one of `moments` follows within `window`, which is over by `until`; a window of 0 has no end.
create or replace function moments_without as (before, moments, window, until) -> arrayMap(at -> at.1, arrayFilter(
    (at, next) -> at.2 = 1
        and (window = 0 or at.1 + window <= until)
        and (next.2 = 1 or (window > 0 and next.1 - at.1 > window)),
    moments_merged(before, moments), arrayReverseFill(at -> at.2 = 0, moments_merged(before, moments))
))
