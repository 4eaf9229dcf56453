-- ?1 seen after, ?2 created after, ?3 created until: live sessions; ?4: now
SELECT n.name, a.created_at_utc, a.totp_secret IS NOT NULL,
       (SELECT count(*) FROM staff_recovery_code AS c WHERE c.name = n.name),
       (SELECT count(*) FROM staff_session AS s WHERE s.name = n.name
            AND s.seen_at_utc > ?1 AND s.created_at_utc > ?2 AND s.created_at_utc <= ?3),
       (SELECT max(s.seen_at_utc) FROM staff_session AS s WHERE s.name = n.name
            AND s.seen_at_utc > ?1 AND s.created_at_utc > ?2 AND s.created_at_utc <= ?3),
       i.expires_at_utc
FROM (SELECT name FROM staff_account
      UNION SELECT name FROM staff_invitation WHERE expires_at_utc > ?4) AS n
     LEFT JOIN staff_account AS a ON a.name = n.name
     LEFT JOIN staff_invitation AS i ON i.name = n.name AND i.expires_at_utc > ?4
ORDER BY n.name
