-- Tables under the names that the rest of FASTCore has for them; their rows stay.

-- The row that the writer commits when it has been idle, to see whether leads can be stored.
ALTER TABLE writer_proof RENAME TO write_probe;
ALTER TABLE write_probe RENAME COLUMN proved_at_utc TO probed_at_utc;

-- The last audit row that the search index has processed, and the version of the tokenizer that split its words.
ALTER TABLE lead_search_place RENAME TO search_index_state;
ALTER TABLE search_index_state RENAME COLUMN followed TO indexed_through;
ALTER TABLE search_index_state RENAME COLUMN rules TO tokenizer_version;
