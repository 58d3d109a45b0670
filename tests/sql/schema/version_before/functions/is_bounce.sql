-- What a bounce is: one page view, and nothing else that somebody did.
create or replace function is_bounce as (pageviews, interactions) -> pageviews = 1 and interactions = 0
