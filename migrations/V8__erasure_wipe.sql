-- Up to which audit row the content of erased leads is overwritten in the unused parts of the file and in its
-- write-ahead log. What a later LEAD_ERASED row records may still be legible there: the server overwrites it as
-- soon as no other process reads the database as it was before.
CREATE TABLE erasure_wipe (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    wiped_through INTEGER NOT NULL
) STRICT;
INSERT INTO erasure_wipe (id, wiped_through) VALUES (1, 0);
