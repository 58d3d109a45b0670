"""What becomes of stored data: accounts, quarantine, repair."""
