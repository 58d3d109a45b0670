-- Whether the tables that reports read are there. Grain: one row, 0 or 1.
exists table sites
