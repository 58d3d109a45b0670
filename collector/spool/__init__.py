"""The write-ahead spool: segments, records, group commit."""
