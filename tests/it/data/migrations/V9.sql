-- A second list in the index, with the first lead's words; one call merges both.
INSERT INTO lead_search (rowid, words) VALUES (1795000000000001024, 'marie durand _sautre');
INSERT INTO lead_search (lead_search, rank) VALUES ('merge', -16);
