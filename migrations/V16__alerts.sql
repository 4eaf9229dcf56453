-- 0 for a channel of alerts alone, which does not follow audit_log.
ALTER TABLE notice_channel ADD COLUMN for_leads INTEGER NOT NULL DEFAULT 1 CHECK (for_leads IN (0, 1));

CREATE TABLE new_notice (
    -- What was told by a channel or is to be: the leads whose arrival the audit rows after after_seq up to
    -- through_seq record; or an alert or a morning mail, whose content is message_json, without personal data. The id is the
    -- same in every attempt, so that a receiver can drop what it gets twice.
    id              TEXT PRIMARY KEY CHECK (length(id) = 36),
    channel         TEXT NOT NULL REFERENCES notice_channel (name) ON DELETE CASCADE,
    subject         TEXT NOT NULL CHECK (subject IN ('leads', 'alert', 'digest')),
    after_seq       INTEGER NOT NULL,
    through_seq     INTEGER NOT NULL,
    leads           INTEGER NOT NULL,
    message_json    TEXT CHECK (message_json IS NULL OR json_valid(message_json)),
    created_at_utc  TEXT NOT NULL CHECK (length(created_at_utc) = 27),
    state           TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'given_up')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    -- While it is pending; the end of the attempts otherwise.
    next_try_at_utc TEXT NOT NULL CHECK (length(next_try_at_utc) = 27),
    -- Without personal data.
    last_error      TEXT CHECK (length(last_error) <= 300),
    CHECK (iif(subject = 'leads', through_seq > after_seq AND leads > 0, leads = 0 AND message_json IS NOT NULL))
) STRICT;

INSERT INTO new_notice (id, channel, subject, after_seq, through_seq, leads, created_at_utc, state, attempts,
                        next_try_at_utc, last_error)
SELECT id, channel, 'leads', after_seq, through_seq, leads, created_at_utc, state, attempts, next_try_at_utc, last_error
FROM notice ORDER BY id;

DROP TABLE notice;
ALTER TABLE new_notice RENAME TO notice;

CREATE INDEX notice_by_channel ON notice (channel, state, id);
-- What has not reached its receiver.
CREATE INDEX notice_unsent ON notice (id) WHERE state <> 'sent';
-- The notice of a lead in a channel.
CREATE INDEX notice_by_lead ON notice (channel, through_seq);

-- After the table that was dropped, so that its pages are used again.
CREATE TABLE alert (
    -- What the operator was told of, one row for each kind: so that a restart repeats nothing. A row of an alert
    -- that has ended stays, until it begins again.
    kind         TEXT PRIMARY KEY CHECK (length(kind) BETWEEN 1 AND 40),
    began_at_utc TEXT NOT NULL CHECK (length(began_at_utc) = 27),
    -- When it was told last: while it lasts, once a day.
    told_at_utc  TEXT NOT NULL CHECK (length(told_at_utc) = 27),
    ended_at_utc TEXT CHECK (length(ended_at_utc) = 27),
    -- As it was told last, without personal data.
    detail       TEXT NOT NULL CHECK (length(detail) <= 500)
) STRICT;

CREATE TABLE digest (
    -- The last morning mail: the day of the company's time zone for which it was sent, so that none is sent twice, and
    -- the last audit row that it counted.
    only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
    day         TEXT NOT NULL CHECK (length(day) = 10),
    made_at_utc TEXT NOT NULL CHECK (length(made_at_utc) = 27),
    through_seq INTEGER NOT NULL
) STRICT;
