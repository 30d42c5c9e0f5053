"""A simulated marketplace: seeded listings, drawn photos and the local site that shows them."""
