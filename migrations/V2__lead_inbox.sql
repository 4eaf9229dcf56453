CREATE TABLE lead_inbox (
    -- The leads as they came; a row never changes. Lengths are in characters.
    id             TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    created_at_utc TEXT NOT NULL CHECK (length(created_at_utc) = 27 AND substr(created_at_utc, 27) = 'Z'),
    name           TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    email          TEXT NOT NULL CHECK (length(email) BETWEEN 1 AND 120),
    phone          TEXT CHECK (length(phone) BETWEEN 1 AND 30),
    company        TEXT CHECK (length(company) BETWEEN 1 AND 120),
    -- Not IN (…): SQLite would build a table for the list at every insert.
    service        TEXT CHECK (service = 'ponts' OR service = 'cabines' OR service = 'compresseurs'
                               OR service = 'diagnostic' OR service = 'autre'),
    message        TEXT NOT NULL CHECK (length(message) BETWEEN 1 AND 2000),
    consent        INTEGER NOT NULL CHECK (consent IN (0, 1)),
    source         TEXT NOT NULL CHECK (length(source) BETWEEN 1 AND 50),
    -- The site's own id of the submission: sending it again never makes a second lead.
    request_id     TEXT NOT NULL UNIQUE CHECK (length(request_id) = 36),
    ip_hash        TEXT NOT NULL CHECK (length(ip_hash) BETWEEN 1 AND 128),
    meta_json      TEXT CHECK (meta_json IS NULL OR json_valid(meta_json)),
    -- What the status was at intake; the present one is what the audit log said last (see lead_status).
    status         TEXT NOT NULL DEFAULT 'received'
                   CHECK (status = 'received' OR status = 'processing' OR status = 'resolved' OR status = 'archived'),
    -- Random bytes under lead_digest in the audit log; erased with the lead.
    salt           BLOB NOT NULL CHECK (length(salt) = 16),
    -- The audit row that tells of this lead's arrival; the row key, so that leads lie in that order.
    -- Deferred: the lead is inserted first, so that its trigger says whether it is new.
    audit_seq      INTEGER PRIMARY KEY REFERENCES audit_log (seq) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE INDEX lead_inbox_by_time ON lead_inbox (created_at_utc);

CREATE TRIGGER lead_inbox_refuses_update BEFORE UPDATE ON lead_inbox
BEGIN
    SELECT RAISE(ABORT, 'lead_inbox rows never change: a status change is an audit_log row');
END;

CREATE TRIGGER lead_inbox_refuses_delete BEFORE DELETE ON lead_inbox
WHEN NOT EXISTS (SELECT 1 FROM audit_log WHERE lead_id = OLD.id AND event = 'LEAD_ERASED')
BEGIN
    SELECT RAISE(ABORT, 'lead_inbox rows are only deleted by an erasure that audit_log tells of');
END;

-- REPLACE deletes without firing delete triggers, so a row that is there already is refused here; so is the
-- request_id of a lead that was erased, from wherever it comes.
CREATE TRIGGER lead_inbox_refuses_replace BEFORE INSERT ON lead_inbox
WHEN EXISTS (SELECT 1 FROM lead_inbox WHERE audit_seq = NEW.audit_seq)
  OR EXISTS (SELECT 1 FROM lead_inbox WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM lead_inbox WHERE request_id = NEW.request_id)
  OR EXISTS (SELECT 1 FROM audit_log WHERE event = 'LEAD_ERASED' AND request_id = NEW.request_id)
BEGIN
    SELECT RAISE(FAIL, 'lead_inbox never replaces a row: this audit_seq, id or request_id is there already, or erased');
END;
