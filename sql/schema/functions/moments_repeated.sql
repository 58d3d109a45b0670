-- Of sorted moments those up to which `times` of them lie within `window`; a window of 0 has no end.
create or replace function moments_repeated as (moments, times, window) -> arrayFilter(
    (moment, place) -> place >= times and (window = 0 or moments[place - times + 1] > moment - window),
    moments, arrayEnumerate(moments)
)
