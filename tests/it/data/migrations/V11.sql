-- An invitation, recovery codes, and a session of a browser that told its name.
INSERT INTO staff_invitation (name, token_hash, totp, created_at_utc, expires_at_utc)
VALUES ('marie', x'1111111111111111111111111111111111111111111111111111111111111111', 1,
        '2026-01-11T08:00:00.000000Z', '2026-01-12T08:00:00.000000Z');
INSERT INTO staff_recovery_code (code_hash, name)
VALUES ('$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g', 'jean');
INSERT INTO staff_session (token_hash, name, created_at_utc, seen_at_utc, browser)
VALUES (x'1010101010101010101010101010101010101010101010101010101010101010', 'jean',
        '2026-01-11T08:00:00.000000Z', '2026-01-11T09:00:00.000000Z', 'Mozilla/5.0 (X11; Linux x86_64)');
