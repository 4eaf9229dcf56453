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
00000000-0000-7000-8000-000000000001	2026-01-01T08:00:00.123456Z	Zoë à l'Œuvre	zoe@exemple.fr	+33612345678	Crème & Fils, 10 €	diagnostic	Voilà : ça marche 😀 👩‍🔧	t	fast-techservices.com	00000000-0000-4000-8000-000000000001	abc123def456	{"user_agent_hash":"xyz789","timestamp_utc":"2024-01-03T10:30:45.123456Z"}	received
00000000-0000-7000-8000-000000000002	2026-01-02T08:00:00.123456Z	=cmd|' /C calc'!A0	=1+1@example.com	+33 6 12 34	@SUM(1)	diagnostic	-1+1	t	fast-techservices.com	00000000-0000-4000-8000-000000000002	abc123def456	{"user_agent_hash":"xyz789","timestamp_utc":"2024-01-03T10:30:45.123456Z"}	received
00000000-0000-7000-8000-000000000003	2026-01-03T08:00:00.123456Z	-1+1	+a@example.com	0612345678	+33612345678	diagnostic	+33 6 12 34 ou rappeler	t	fast-techservices.com	00000000-0000-4000-8000-000000000003	abc123def456	{"user_agent_hash":"xyz789","timestamp_utc":"2024-01-03T10:30:45.123456Z"}	received
00000000-0000-7000-8000-000000000004	2026-01-04T08:00:00.123456Z	@SUM(1)	-b@example.com	06;12	a,b;c	diagnostic	il a dit "bonjour", puis; rien	t	fast-techservices.com	00000000-0000-4000-8000-000000000004	abc123def456	{"user_agent_hash":"xyz789","timestamp_utc":"2024-01-03T10:30:45.123456Z"}	received
00000000-0000-7000-8000-000000000005	2026-01-05T08:00:00.123456Z	"	"q"@example.com	+1+1	"a","b"	diagnostic	"	t	fast-techservices.com	00000000-0000-4000-8000-000000000005	abc123def456	{"user_agent_hash":"xyz789","timestamp_utc":"2024-01-03T10:30:45.123456Z"}	received
00000000-0000-7000-8000-000000000006	2026-01-06T08:00:00.123456Z	Jean	j@example.com	+	\N	diagnostic	\t=1+1	t	fast-techservices.com	00000000-0000-4000-8000-000000000006	abc123def456	{"user_agent_hash":"xyz789","timestamp_utc":"2024-01-03T10:30:45.123456Z"}	received
00000000-0000-7000-8000-000000000007	2026-01-07T08:00:00.123456Z	Jean	j@example.com	\N	'=1+1	diagnostic	\r=1+1	t	fast-techservices.com	00000000-0000-4000-8000-000000000007	abc123def456	{"user_agent_hash":"xyz789","timestamp_utc":"2024-01-03T10:30:45.123456Z"}	received
00000000-0000-7000-8000-000000000008	2026-01-08T08:00:00.123456Z	Jean	j@example.com	+33(0)6	＝1+1	diagnostic	\n=1+1	t	fast-techservices.com	00000000-0000-4000-8000-000000000008	abc123def456	{"user_agent_hash":"xyz789","timestamp_utc":"2024-01-03T10:30:45.123456Z"}	received
00000000-0000-7000-8000-000000000009	2026-01-09T08:00:00.123456Z	Jean	j@example.com	+33\t6	＋1	diagnostic	une\nligne\r\nautre\rencore	t	fast-techservices.com	00000000-0000-4000-8000-000000000009	abc123def456	{"user_agent_hash":"xyz789","timestamp_utc":"2024-01-03T10:30:45.123456Z"}	received
00000000-0000-7000-8000-000000000010	2026-01-10T08:00:00.123456Z	Jean	j@example.com	+33612345678=1	－1	diagnostic	a\tb	t	fast-techservices.com	00000000-0000-4000-8000-000000000010	abc123def456	{"user_agent_hash":"xyz789","timestamp_utc":"2024-01-03T10:30:45.123456Z"}	received
00000000-0000-7000-8000-000000000011	2026-01-11T08:00:00.123456Z	NULL	j@example.com	%	＠1	diagnostic	\\N \\n \\"	t	fast-techservices.com	00000000-0000-4000-8000-000000000011	abc123def456	{"user_agent_hash":"xyz789","timestamp_utc":"2024-01-03T10:30:45.123456Z"}	received
00000000-0000-7000-8000-000000000012	2026-01-12T08:00:00.123456Z	O'Brien	j@example.com	 06	 =1	diagnostic	fin fin[0m	t	fast-techservices.com	00000000-0000-4000-8000-000000000012	abc123def456	{"user_agent_hash":"xyz789","timestamp_utc":"2024-01-03T10:30:45.123456Z"}	received
\.

CREATE UNIQUE INDEX ix_lead_inbox_request_id ON lead_inbox (request_id);

COMMIT;
