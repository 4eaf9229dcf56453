-- Of the table that is replaced below; its pages are used again.
DROP INDEX lead_search_status_and_service;

CREATE TABLE lead_view (
    -- Who opened a lead on the admin page first and last, and when: the actors and times of its LEAD_VIEWED rows,
    -- kept here to list and to filter by. Can be rebuilt from audit_log at any time. A lead without a row here
    -- was never opened.
    audit_seq    INTEGER PRIMARY KEY REFERENCES lead_inbox (audit_seq) ON DELETE CASCADE,
    first_by     TEXT NOT NULL,
    first_at_utc TEXT NOT NULL,
    last_by      TEXT NOT NULL,
    last_at_utc  TEXT NOT NULL
) STRICT;

-- The index on `event` is partial: without the second condition, SQLite does not use it.
INSERT INTO lead_view (audit_seq, first_by, first_at_utc, last_by, last_at_utc)
SELECT viewed.audit_seq, coalesce(a.actor, ''), a.created_at_utc, coalesce(z.actor, ''), z.created_at_utc
FROM (
    SELECT l.audit_seq, min(v.seq) AS first_seq, max(v.seq) AS last_seq
    FROM audit_log AS v JOIN lead_inbox AS l ON l.id = v.lead_id
    WHERE v.event = 'LEAD_VIEWED' AND v.event <> 'LEAD_RECEIVED'
    GROUP BY l.audit_seq
) AS viewed
JOIN audit_log AS a ON a.seq = viewed.first_seq
JOIN audit_log AS z ON z.seq = viewed.last_seq;

-- lead_search_status, with what is filtered by beside the status.
CREATE TABLE lead_search_filter (
    -- The status of each lead, and whether somebody has opened it, as far as lead_search has followed: what changes
    -- often costs little here and much there.
    status    TEXT NOT NULL,
    opened    INTEGER NOT NULL, -- 1 where somebody has
    key       INTEGER NOT NULL, -- rowid in lead_search
    audit_seq INTEGER NOT NULL,
    service   TEXT NOT NULL,    -- empty where the lead names none
    PRIMARY KEY (status, opened, key, audit_seq)
) STRICT, WITHOUT ROWID;

INSERT INTO lead_search_filter (status, opened, key, audit_seq, service)
SELECT status, EXISTS (SELECT 1 FROM lead_view AS v WHERE v.audit_seq = s.audit_seq), key, audit_seq, service
FROM lead_search_status AS s ORDER BY 1, 2, 3, 4;

DROP TABLE lead_search_status;

CREATE INDEX lead_search_filter_and_service ON lead_search_filter (status, opened, service, key);
