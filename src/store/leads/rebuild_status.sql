-- max() picks the row that the other columns are of (sqlite.org/lang_select.html, "bare columns").
INSERT INTO lead_status (audit_seq, status)
SELECT lead_seq, status FROM (
    SELECT l.audit_seq AS lead_seq, a.details_json ->> 'to' AS status, max(a.seq)
    FROM audit_log AS a JOIN lead_inbox AS l ON l.id = a.lead_id
    WHERE a.event = 'LEAD_PROCESSED'
    GROUP BY l.audit_seq
)
