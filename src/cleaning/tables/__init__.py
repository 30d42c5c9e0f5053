"""The user's own CSV and Parquet files, read row by row: no row is lost, shifted or invented."""
