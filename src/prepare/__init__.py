"""From raw listings to the prepared table: texts, photos, near-duplicates, splits."""
