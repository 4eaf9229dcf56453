-- What the writer leaves while it is idle.
INSERT INTO writer_proof (id, proved_at_utc) VALUES (1, '2026-01-05T08:00:00.000000Z');
