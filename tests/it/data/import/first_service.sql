-- The tables as SQLAlchemy makes them from the first service's models.
CREATE TABLE lead_inbox (
    id UUID NOT NULL,
    created_at_utc TIMESTAMP WITH TIME ZONE DEFAULT now(),
    name VARCHAR(80) NOT NULL,
    email VARCHAR(120) NOT NULL,
    phone VARCHAR(30),
    company VARCHAR(120),
    service VARCHAR(30),
    message VARCHAR(2000) NOT NULL,
    consent BOOLEAN,
    source VARCHAR(50),
    request_id UUID NOT NULL,
    ip_hash VARCHAR(50) NOT NULL,
    meta_json JSON,
    status VARCHAR(20),
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ix_lead_inbox_request_id ON lead_inbox (request_id);

INSERT INTO lead_inbox VALUES
    ('f47ac10b-58cc-4372-a567-0e02b2c3d401', '2024-01-03 10:30:45.123456+00', 'Zoë à l''Œuvre', 'zoe@EXEMPLE.fr',
     '+33612345678', 'Crème & Fils, 10 €', 'diagnostic', E'Voilà : "ça" marche 😀\nune ligne\r\n\tautre; \\N', TRUE,
     'fast-techservices.com', '00000000-0000-4000-8000-000000000001', 'abc123def456',
     '{"user_agent_hash": "xyz789", "timestamp_utc": "2024-01-03T10:30:45.123456+00:00"}', 'received'),
    ('f47ac10b-58cc-4372-a567-0e02b2c3d402', '2024-07-03 10:30:45+00', '=cmd|'' /C calc''!A0', 'j@example.com',
     '0612345678', NULL, NULL, 'court', FALSE, 'fast-techservices.com',
     '00000000-0000-4000-8000-000000000002', 'h', '{"user_agent_hash": null, "timestamp_utc": "2024-07-03T10:30:45"}', 'processing'),
    ('f47ac10b-58cc-4372-a567-0e02b2c3d403', '1999-12-31 23:59:59.5-05:30', 'J', 'not an address', '', '', 'autre',
     '  des blancs autour  ', TRUE, 'elsewhere', '00000000-0000-4000-8000-000000000003', 'h', 'null', 'resolved'),
    ('f47ac10b-58cc-4372-a567-0e02b2c3d404', '2024-02-29 00:00:00.000001+00', 'NULL', 'd@example.com', NULL, '""',
     'ponts', repeat('é', 2000), TRUE, 'fast-techservices.com', '00000000-0000-4000-8000-000000000004', repeat('0', 50),
     NULL, 'archived');
