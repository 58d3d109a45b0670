"""Events from files, through the spool and the loader."""
