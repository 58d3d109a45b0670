"""Sites, their keys and event schemas: tables, and the files that collectors read."""
