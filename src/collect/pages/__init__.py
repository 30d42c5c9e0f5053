"""Read search pages of Avito, or pages shaped like them: bytes in, listings out."""
