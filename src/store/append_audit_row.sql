INSERT INTO audit_log (seq, id, created_at_utc, event, actor, lead_id, request_id, status_code, details_json, hash)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
