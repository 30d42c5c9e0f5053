"""Where listings come from: the demo marketplace, the user's own table, a site's pages."""
