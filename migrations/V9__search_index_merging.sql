-- The server merges the lists of lead_search itself, in short steps: FTS5 would merge hundreds of pages at a commit.
INSERT INTO lead_search (lead_search, rank) VALUES ('automerge', 0);
