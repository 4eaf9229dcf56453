-- Marks the file as FASTCore's ("FCRE"), so that no other database is taken for it.
PRAGMA application_id = 1178817093;

CREATE TABLE audit_log (
    -- Everything that happened, in order, for ever. seq is 1, 2, 3 … without a gap; AUTOINCREMENT keeps
    -- the highest in sqlite_sequence, so that rows cut off at the end are missed.
    seq            INTEGER PRIMARY KEY AUTOINCREMENT CHECK (seq > 0),
    id             TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    created_at_utc TEXT NOT NULL CHECK (length(created_at_utc) = 27 AND substr(created_at_utc, 27) = 'Z'),
    event          TEXT NOT NULL CHECK (event <> ''),
    actor          TEXT,
    lead_id        TEXT CHECK (length(lead_id) = 36),
    request_id     TEXT CHECK (length(request_id) = 36),
    status_code    INTEGER,
    details_json   TEXT CHECK (details_json IS NULL OR json_valid(details_json)),
    -- Lower-case hex of SHA-256 over the previous row's hash (32 bytes, zeros before the first row) and
    -- seq, id, created_at_utc, event, actor, lead_id, request_id, status_code, details_json, each as
    -- byte 00 for NULL, else byte 01, its length in bytes (32 bits, big-endian) and its UTF-8 text.
    hash           TEXT NOT NULL CHECK (length(hash) = 64)
) STRICT;

CREATE INDEX audit_log_by_lead ON audit_log (lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX audit_log_erased_request ON audit_log (request_id) WHERE event = 'LEAD_ERASED';

CREATE TRIGGER audit_log_refuses_update BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only: its rows are never updated');
END;

CREATE TRIGGER audit_log_refuses_delete BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only: its rows are never deleted');
END;

-- REPLACE deletes without firing delete triggers, so a row that is there already is refused here.
-- By FAIL: a statement that may ABORT keeps a journal of its own, at every insert. New rows that a statement
-- added before the one that is refused stay.
CREATE TRIGGER audit_log_refuses_replace BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE seq = NEW.seq)
  OR EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
BEGIN
    SELECT RAISE(FAIL, 'audit_log is append-only: this seq or id is there already');
END;
