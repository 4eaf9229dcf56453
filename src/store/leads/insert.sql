INSERT INTO lead_inbox (audit_seq, id, created_at_utc, name, email, phone, company, service, message, consent, source,
                        request_id, ip_hash, meta_json, salt, status)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
