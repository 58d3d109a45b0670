"""What a question has in common: period, filter, site, figures, and how it is fetched."""
