CREATE TABLE staff_device (
    -- The browsers that an account has signed in from. They have tries of their own to sign in, so that nobody
    -- elsewhere can use these up. Of the token in the browser's cookie only SHA-256 is kept.
    name           TEXT NOT NULL REFERENCES staff_account (name) ON DELETE CASCADE,
    token_hash     BLOB NOT NULL CHECK (length(token_hash) = 32),
    created_at_utc TEXT NOT NULL CHECK (length(created_at_utc) = 27 AND substr(created_at_utc, 27) = 'Z'),
    -- When it last signed in.
    used_at_utc    TEXT NOT NULL CHECK (length(used_at_utc) = 27 AND substr(used_at_utc, 27) = 'Z'),
    PRIMARY KEY (name, token_hash)
) STRICT;

-- When `staff unlock` was last run: a server that reads another value than before forgets the failed sign-ins
-- that it has counted for the account.
ALTER TABLE staff_account ADD COLUMN unlocked_at_utc TEXT
    CHECK (length(unlocked_at_utc) = 27 AND substr(unlocked_at_utc, 27) = 'Z');
