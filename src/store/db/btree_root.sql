SELECT rootpage FROM sqlite_schema
WHERE type = 'table' AND name = ?1
  AND (SELECT type = 'table' AND NOT wr FROM pragma_table_list(?1) WHERE schema = 'main')
  -- Names in the order of the table, the type of the primary key, and a mark on what is not stored as it is.
  AND (SELECT group_concat(name || iif(pk, ' ' || type, '') || iif(hidden, '?', ''), ', ')
       FROM pragma_table_xinfo(?1)) = ?2
