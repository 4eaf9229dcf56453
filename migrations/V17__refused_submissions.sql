CREATE TABLE refused_submission (
    -- What came with a valid token and was refused: not JSON (400), another media type (415) or not a valid lead
    -- (422). Kept so that a fault in the site loses nobody, for a limited time and up to a limited size; the
    -- oldest go first. Personal data, as in lead_inbox. The key is the LEAD_REJECTED row of its first arrival.
    audit_seq        INTEGER PRIMARY KEY REFERENCES audit_log (seq),
    id               TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    received_at_utc  TEXT NOT NULL CHECK (length(received_at_utc) = 27 AND substr(received_at_utc, 27) = 'Z'),
    status_code      INTEGER NOT NULL CHECK (status_code = 400 OR status_code = 415 OR status_code = 422),
    -- What was wrong: a list of {"loc": ["body", …], "msg": …, "type": …}, as it was answered.
    faults_json      TEXT NOT NULL CHECK (json_valid(faults_json)),
    media_type       TEXT CHECK (length(media_type) <= 100),
    content_encoding TEXT CHECK (length(content_encoding) <= 100),
    -- The site's own id of the submission, where it could be read.
    request_id       TEXT CHECK (length(request_id) = 36),
    -- Bytes of the body.
    size             INTEGER NOT NULL CHECK (size BETWEEN 0 AND 65536),
    -- SHA-256 of the body and of how it was sent: the same again is counted here instead of kept twice.
    fingerprint      BLOB NOT NULL UNIQUE CHECK (length(fingerprint) = 32),
    times            INTEGER NOT NULL DEFAULT 1 CHECK (times > 0),
    last_at_utc      TEXT NOT NULL CHECK (length(last_at_utc) = 27),
    -- When it became a lead after all, and which: sent again by the site with this request_id, or by
    -- `fastcore refused retry`.
    settled_at_utc   TEXT CHECK (length(settled_at_utc) = 27),
    lead_id          TEXT CHECK (length(lead_id) = 36)
) STRICT;

CREATE INDEX refused_submission_by_request ON refused_submission (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX refused_submission_by_lead ON refused_submission (lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX refused_submission_open ON refused_submission (audit_seq) WHERE settled_at_utc IS NULL;

CREATE TABLE refused_body (
    -- The bodies, byte for byte; apart, so that counting one again does not write it again.
    audit_seq INTEGER PRIMARY KEY REFERENCES refused_submission (audit_seq) ON DELETE CASCADE,
    body      BLOB NOT NULL CHECK (length(body) <= 65536)
) STRICT;

CREATE TABLE refused_total (
    -- How much is kept, and what was not: counts since the database was created.
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    kept_rows       INTEGER NOT NULL,
    kept_bytes      INTEGER NOT NULL,
    -- Removed before their time, for want of room.
    evicted         INTEGER NOT NULL,
    evicted_at_utc  TEXT CHECK (length(evicted_at_utc) = 27),
    -- Refused and not kept: more than the budget of a second, or larger than 64 KiB (413).
    over_budget     INTEGER NOT NULL,
    too_large       INTEGER NOT NULL
) STRICT;
INSERT INTO refused_total (id, kept_rows, kept_bytes, evicted, over_budget, too_large) VALUES (1, 0, 0, 0, 0, 0);

CREATE TRIGGER refused_submission_counts_insert AFTER INSERT ON refused_submission
BEGIN
    UPDATE refused_total SET kept_rows = kept_rows + 1, kept_bytes = kept_bytes + NEW.size;
END;

CREATE TRIGGER refused_submission_counts_delete AFTER DELETE ON refused_submission
BEGIN
    UPDATE refused_total SET kept_rows = kept_rows - 1, kept_bytes = kept_bytes - OLD.size;
END;

CREATE TRIGGER refused_submission_refuses_update BEFORE UPDATE ON refused_submission
WHEN NEW.audit_seq IS NOT OLD.audit_seq OR NEW.id IS NOT OLD.id OR NEW.received_at_utc IS NOT OLD.received_at_utc
  OR NEW.status_code IS NOT OLD.status_code OR NEW.faults_json IS NOT OLD.faults_json
  OR NEW.media_type IS NOT OLD.media_type OR NEW.content_encoding IS NOT OLD.content_encoding
  OR NEW.request_id IS NOT OLD.request_id OR NEW.size IS NOT OLD.size OR NEW.fingerprint IS NOT OLD.fingerprint
  OR NEW.times < OLD.times
  OR (OLD.settled_at_utc IS NOT NULL AND NEW.settled_at_utc IS NOT OLD.settled_at_utc)
  OR (OLD.lead_id IS NOT NULL AND NEW.lead_id IS NOT OLD.lead_id)
BEGIN
    SELECT RAISE(ABORT, 'refused_submission rows only count what comes again and are settled once');
END;

CREATE TRIGGER refused_body_refuses_update BEFORE UPDATE ON refused_body
BEGIN
    SELECT RAISE(ABORT, 'refused_body rows never change');
END;

-- REPLACE deletes without firing delete triggers, so a row that is there already is refused here.
CREATE TRIGGER refused_submission_refuses_replace BEFORE INSERT ON refused_submission
WHEN EXISTS (SELECT 1 FROM refused_submission WHERE audit_seq = NEW.audit_seq)
  OR EXISTS (SELECT 1 FROM refused_submission WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM refused_submission WHERE fingerprint = NEW.fingerprint)
BEGIN
    SELECT RAISE(FAIL, 'refused_submission never replaces a row: this audit_seq, id or fingerprint is there already');
END;

CREATE TRIGGER refused_body_refuses_replace BEFORE INSERT ON refused_body
WHEN EXISTS (SELECT 1 FROM refused_body WHERE audit_seq = NEW.audit_seq)
BEGIN
    SELECT RAISE(FAIL, 'refused_body never replaces a row: this audit_seq is there already');
END;
