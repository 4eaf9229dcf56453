CREATE TABLE lead_status (
    -- The present status of the leads whose status has changed since they came: the last LEAD_PROCESSED
    -- row of each, kept here to filter by. Can be rebuilt from audit_log at any time.
    audit_seq INTEGER PRIMARY KEY REFERENCES lead_inbox (audit_seq) ON DELETE CASCADE,
    status    TEXT NOT NULL CHECK (status IN ('received', 'processing', 'resolved', 'archived'))
) STRICT;
