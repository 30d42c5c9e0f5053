"""Near-duplicates of tables that do not fit in memory, on a Ray cluster."""
