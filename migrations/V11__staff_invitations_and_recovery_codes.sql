CREATE TABLE staff_invitation (
    -- Links with which persons choose their own password and second factor, at most one for a name. Of the
    -- token in the link only SHA-256 is kept. Of a name without an account, it is the invitation to one.
    name           TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 32),
    token_hash     BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    -- 1 where the person must set up a second factor.
    totp           INTEGER NOT NULL CHECK (totp IN (0, 1)),
    created_at_utc TEXT NOT NULL CHECK (length(created_at_utc) = 27 AND substr(created_at_utc, 27) = 'Z'),
    expires_at_utc TEXT NOT NULL CHECK (length(expires_at_utc) = 27 AND substr(expires_at_utc, 27) = 'Z')
) STRICT;

CREATE TABLE staff_recovery_code (
    -- Codes that stand in for the second factor, each once: the row of a used one is deleted. As
    -- argon2id with its salt and parameters, a PHC string.
    code_hash TEXT PRIMARY KEY CHECK (substr(code_hash, 1, 10) = '$argon2id$'),
    name      TEXT NOT NULL REFERENCES staff_account (name) ON DELETE CASCADE
) STRICT;

CREATE INDEX staff_recovery_code_by_account ON staff_recovery_code (name);

-- The browser's own name (User-Agent), so that a person can tell their sessions apart.
ALTER TABLE staff_session ADD COLUMN browser TEXT CHECK (length(browser) <= 256);
