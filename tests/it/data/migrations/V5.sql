-- An account with a second factor, and its session.
INSERT INTO staff_account (name, password_hash, totp_secret, totp_last_step, created_at_utc)
VALUES ('jean', '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g',
        x'0505050505050505050505050505050505050505', 58000000, '2026-01-05T08:00:00.000000Z');
INSERT INTO staff_session (token_hash, name, created_at_utc, seen_at_utc)
VALUES (x'0505050505050505050505050505050505050505050505050505050505050505', 'jean',
        '2026-01-05T08:00:00.000000Z', '2026-01-05T09:00:00.000000Z');
