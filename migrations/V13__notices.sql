CREATE TABLE notice_channel (
    -- The channels by which new leads are announced, and how far each has followed audit_log. The name is the
    -- kind and a hash of the target: a mail address or a URL is in the configuration alone.
    name         TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 40),
    followed_seq INTEGER NOT NULL,
    -- When its last notice was created, so that notices are gathered over a restart as well.
    noticed_at_utc TEXT CHECK (length(noticed_at_utc) = 27),
    -- Set where the receiver has answered that it is gone (410): nothing more is sent to it.
    ended_at_utc TEXT CHECK (length(ended_at_utc) = 27)
) STRICT;

CREATE TABLE notice (
    -- What was announced or is to be: the leads whose arrival the audit rows after after_seq up to through_seq
    -- record. The id is the same in every attempt, so that a receiver can drop what it gets twice.
    id              TEXT PRIMARY KEY CHECK (length(id) = 36),
    channel         TEXT NOT NULL REFERENCES notice_channel (name) ON DELETE CASCADE,
    after_seq       INTEGER NOT NULL,
    through_seq     INTEGER NOT NULL CHECK (through_seq > after_seq),
    leads           INTEGER NOT NULL CHECK (leads > 0),
    created_at_utc  TEXT NOT NULL CHECK (length(created_at_utc) = 27),
    state           TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'given_up')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    -- While it is pending; the end of the attempts otherwise.
    next_try_at_utc TEXT NOT NULL CHECK (length(next_try_at_utc) = 27),
    -- Without personal data.
    last_error      TEXT CHECK (length(last_error) <= 300)
) STRICT;

CREATE INDEX notice_by_channel ON notice (channel, state, id);
-- What has not reached its receiver.
CREATE INDEX notice_unsent ON notice (id) WHERE state <> 'sent';
