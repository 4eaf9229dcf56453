CREATE TABLE staff_account (
    -- Who may sign in to the admin page.
    name           TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 32),
    -- argon2id with its salt and parameters, as a PHC string.
    password_hash  TEXT NOT NULL CHECK (substr(password_hash, 1, 10) = '$argon2id$'),
    -- The shared secret of the second factor (RFC 6238), where the account has one, and the time step of
    -- the last code that was taken: no code is taken twice.
    totp_secret    BLOB CHECK (length(totp_secret) BETWEEN 16 AND 64),
    totp_last_step INTEGER NOT NULL DEFAULT 0,
    created_at_utc TEXT NOT NULL CHECK (length(created_at_utc) = 27 AND substr(created_at_utc, 27) = 'Z')
) STRICT;

CREATE TABLE staff_session (
    -- Who is signed in. Of the token in the browser's cookie only SHA-256 is kept: who reads this table
    -- cannot sign in with it. Removing an account ends its sessions.
    token_hash     BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    name           TEXT NOT NULL REFERENCES staff_account (name) ON DELETE CASCADE,
    created_at_utc TEXT NOT NULL CHECK (length(created_at_utc) = 27 AND substr(created_at_utc, 27) = 'Z'),
    -- When it was last used, to within some minutes.
    seen_at_utc    TEXT NOT NULL CHECK (length(seen_at_utc) = 27 AND substr(seen_at_utc, 27) = 'Z')
) STRICT;

CREATE INDEX staff_session_by_account ON staff_session (name);

-- For the page that filters the audit log. Arrivals, which are most of it, are found without an index,
-- so that a lead costs no more than before.
CREATE INDEX audit_log_by_event ON audit_log (event, seq) WHERE event <> 'LEAD_RECEIVED';
