-- A lead's words and status.
INSERT INTO lead_search (rowid, words) VALUES (1795000000000000000, 'jean dupont _sponts');
INSERT INTO lead_search_status (status, key, audit_seq, service) VALUES ('received', 1795000000000000000, 1, 'ponts');
UPDATE lead_search_place SET followed = 1, rules = 1;
