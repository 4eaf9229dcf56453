-- The index on `event` is partial: without the second condition, SQLite does not use it.
INSERT INTO lead_view (audit_seq, first_by, first_at_utc, last_by, last_at_utc)
SELECT viewed.audit_seq, coalesce(a.actor, ''), a.created_at_utc, coalesce(z.actor, ''), z.created_at_utc
FROM (
    SELECT l.audit_seq, min(v.seq) AS first_seq, max(v.seq) AS last_seq
    FROM audit_log AS v JOIN lead_inbox AS l ON l.id = v.lead_id
    WHERE v.event = 'LEAD_VIEWED' AND v.event <> 'LEAD_RECEIVED'
    GROUP BY l.audit_seq
) AS viewed
JOIN audit_log AS a ON a.seq = viewed.first_seq
JOIN audit_log AS z ON z.seq = viewed.last_seq;
