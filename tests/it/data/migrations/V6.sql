-- A lead's words.
INSERT INTO lead_search (rowid, words) VALUES (1795000000000000000, 'jean dupont _sponts _treceived');
UPDATE lead_search_place SET followed = 1, rules = 1;
