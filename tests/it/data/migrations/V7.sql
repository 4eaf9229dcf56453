-- What the writer and the search index leave while they are idle.
UPDATE write_probe SET probed_at_utc = '2026-01-06T08:00:00.000000Z';
UPDATE search_index_state SET indexed_through = 2;
