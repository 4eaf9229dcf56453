-- Rows that V1 can hold; their hashes follow from one another.
INSERT INTO audit_log (seq, id, created_at_utc, event, actor, lead_id, request_id, status_code, details_json, hash)
VALUES (1, '019b7e00-0000-7000-8000-000000000001', '2026-01-01T08:00:00.000000Z', 'LEAD_REJECTED', 'site_ingest', NULL, NULL, 422, '{"fields":["email"]}',
        'a2d0abf893ac20911b65d1fc832405efc5f2285b55ec50d6392d2da969d913bf');
