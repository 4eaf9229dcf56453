-- A change of status.
INSERT INTO audit_log (seq, id, created_at_utc, event, actor, lead_id, request_id, status_code, details_json, hash)
VALUES (4, '019b7e00-0000-7000-8000-000000000004', '2026-01-04T08:00:00.000000Z', 'LEAD_PROCESSED', 'cli:root', '019b7e00-0000-7000-9000-000000000002', '11111111-1111-4111-8111-000000000002', NULL, '{"from":"received","to":"processing"}',
        'a80e82d9fa6d87b3abbc983af3a528c8a3018ef9409b95754897c58b6406b712');
INSERT INTO lead_status (audit_seq, status) VALUES (2, 'processing');
