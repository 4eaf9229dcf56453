-- Leads with their audit rows.
INSERT INTO audit_log (seq, id, created_at_utc, event, actor, lead_id, request_id, status_code, details_json, hash)
VALUES (2, '019b7e00-0000-7000-8000-000000000002', '2026-01-02T08:00:00.000000Z', 'LEAD_RECEIVED', 'site_ingest', '019b7e00-0000-7000-9000-000000000002', '11111111-1111-4111-8111-000000000002', 201, '{"email":"zoe***","service":"ponts","ip_hash":"abc","lead_digest":"786a3a2b962eb90ccc94e2a85a2f096ffc9704cb2b0c25faa6e814b5de280118"}',
        '76fdc91b96c4ee649ff611009d887b2aeba0578cdc1148188b63418e8c9551cb');
INSERT INTO lead_inbox (audit_seq, salt, id, created_at_utc, name, email, phone, company, service, message, consent, source,
                        request_id, ip_hash, meta_json)
VALUES (2, x'02020202020202020202020202020202', '019b7e00-0000-7000-9000-000000000002', '2026-01-02T08:00:00.000000Z', 'Zoë Lefèvre', 'zoe@example.com', '+33612345678', 'Électricité Générale', 'ponts', 'Bonjour,
mon pont ne lève plus depuis hier.', 1, 'fast-techservices.com', '11111111-1111-4111-8111-000000000002', 'abc', '{"user_agent_hash":null,"timestamp_utc":"2026-01-01T07:59:59Z"}');
INSERT INTO audit_log (seq, id, created_at_utc, event, actor, lead_id, request_id, status_code, details_json, hash)
VALUES (3, '019b7e00-0000-7000-8000-000000000003', '2026-01-03T08:00:00.000000Z', 'LEAD_RECEIVED', 'site_ingest', '019b7e00-0000-7000-9000-000000000003', '11111111-1111-4111-8111-000000000003', 201, '{"email":"jea***","service":null,"ip_hash":"abc","lead_digest":"c475a444a6e2005e5705e907971232cd1ae03dbab74f0882eb1b0d2e433f52b8"}',
        '5ac4743abf77fe6de4abfe9e2cfbc124253672e1fa62282d394b207912038f3a');
INSERT INTO lead_inbox (audit_seq, salt, id, created_at_utc, name, email, phone, company, service, message, consent, source,
                        request_id, ip_hash, meta_json)
VALUES (3, x'03030303030303030303030303030303', '019b7e00-0000-7000-9000-000000000003', '2026-01-03T08:00:00.000000Z', 'Jean d''Arc', 'jean@example.com', NULL, NULL, NULL, 'Un message sans rien autour.', 0, 'fast-techservices.com', '11111111-1111-4111-8111-000000000003', 'abc', '{"user_agent_hash":null,"timestamp_utc":"2026-01-01T07:59:59Z"}');
