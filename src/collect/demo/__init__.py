"""A simulated marketplace: seeded listings, drawn photos and a local site that shows them."""
