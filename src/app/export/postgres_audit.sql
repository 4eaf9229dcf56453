-- The audit log of FASTCore for PostgreSQL 12 or newer. Load it with
--     psql --no-psqlrc --file audit.sql DATABASE
-- All or nothing: it is done when psql's last line is COMMIT. Where there is an audit_log already, it changes nothing.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;

CREATE TABLE audit_log (
    seq            BIGINT,
    id             UUID PRIMARY KEY,
    created_at_utc TIMESTAMPTZ DEFAULT now(),
    event          VARCHAR(50) NOT NULL,
    actor          TEXT DEFAULT 'site_ingest',
    lead_id        UUID,
    request_id     UUID,
    status_code    INTEGER,
    details_json   JSON,
    hash           VARCHAR(64)
);
COMMENT ON TABLE audit_log IS 'Append-only audit log for all lead events';
COMMENT ON COLUMN audit_log.seq IS 'The place in the hash chain of FASTCore; NULL for rows that were added here';
COMMENT ON COLUMN audit_log.actor IS 'Who triggered the event; names of users can be longer than the 50 of the first service';
COMMENT ON COLUMN audit_log.request_id IS 'NULL for events that no submission triggered';
COMMENT ON COLUMN audit_log.hash IS 'The hash of the row and those before it, by FASTCore; NULL for rows that were added here';

COPY audit_log (seq, id, created_at_utc, event, actor, lead_id, request_id, status_code, details_json, hash) FROM stdin;
\.

CREATE UNIQUE INDEX ix_audit_log_seq ON audit_log (seq);
CREATE INDEX ix_audit_log_lead_id ON audit_log (lead_id);
CREATE INDEX ix_audit_log_request_id ON audit_log (request_id);

CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only: % is refused', TG_OP;
END $$;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

COMMIT;
