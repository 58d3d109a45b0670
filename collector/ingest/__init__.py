"""From a request to a spooled event: access, limits, the list of steps."""
