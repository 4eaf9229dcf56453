-- The leads of FASTCore for PostgreSQL 12 or newer. Load it with
--     psql --no-psqlrc --file leads.sql DATABASE
-- All or nothing: it is done when psql's last line is COMMIT. Where there is a lead_inbox already, it changes nothing.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;

CREATE TABLE lead_inbox (
    id             UUID PRIMARY KEY,
    created_at_utc TIMESTAMPTZ DEFAULT now(),
    name           VARCHAR(80) NOT NULL,
    email          VARCHAR(120) NOT NULL,
    phone          VARCHAR(30),
    company        VARCHAR(120),
    service        VARCHAR(30),
    message        VARCHAR(2000) NOT NULL,
    consent        BOOLEAN DEFAULT TRUE,
    source         VARCHAR(50) DEFAULT 'fast-techservices.com',
    request_id     UUID NOT NULL,
    ip_hash        VARCHAR(128) NOT NULL,
    meta_json      JSON,
    status         VARCHAR(20) DEFAULT 'received'
);
COMMENT ON TABLE lead_inbox IS 'Inbox for leads from fast-techservices.com';
COMMENT ON COLUMN lead_inbox.ip_hash IS 'Wider than the 50 of the first service: SHA-512 in hex has 128';
COMMENT ON COLUMN lead_inbox.status IS 'received, processing, resolved, archived';

COPY lead_inbox (id, created_at_utc, name, email, phone, company, service, message, consent, source, request_id, ip_hash, meta_json, status) FROM stdin;
\.

CREATE UNIQUE INDEX ix_lead_inbox_request_id ON lead_inbox (request_id);

COMMIT;
