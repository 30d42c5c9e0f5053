CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS starts (
    start TEXT PRIMARY KEY,
    walk INTEGER NOT NULL,
    -- The next page to request; 0 when the walk of this start is done.
    page INTEGER NOT NULL
);
-- What the pages of the current walk showed, to notice when a site shows the same page again.
CREATE TABLE IF NOT EXISTS pages (
    start TEXT NOT NULL, page INTEGER NOT NULL, shown TEXT NOT NULL, new INTEGER NOT NULL,
    PRIMARY KEY (start, page)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listings (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL, text TEXT NOT NULL, price REAL, category TEXT NOT NULL,
    seller TEXT, listed TEXT,
    -- The photo's URL; state is none, wanted, stored, refused (for good) or failed (for now).
    address TEXT, state TEXT NOT NULL, photo TEXT, reason TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_state ON listings (state);
CREATE INDEX IF NOT EXISTS by_category ON listings (category);
CREATE INDEX IF NOT EXISTS by_photo ON listings (photo);
CREATE TABLE IF NOT EXISTS notes (
    kind TEXT NOT NULL, id TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (kind, id, reason, detail)
) WITHOUT ROWID;
-- Salted hashes of the ids of deleted listings, which must not come back.
CREATE TABLE IF NOT EXISTS forgotten (id TEXT PRIMARY KEY) WITHOUT ROWID;
