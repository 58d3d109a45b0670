"""The schema: migrations, derivations, and bringing it up to date."""
