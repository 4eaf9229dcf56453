-- A browser that the account has signed in from, and the account unlocked since.
INSERT INTO staff_device (name, token_hash, created_at_utc, used_at_utc)
VALUES ('jean', x'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a',
        '2026-01-05T08:00:00.000000Z', '2026-01-06T08:00:00.000000Z');
UPDATE staff_account SET unlocked_at_utc = '2026-01-07T08:00:00.000000Z' WHERE name = 'jean';
