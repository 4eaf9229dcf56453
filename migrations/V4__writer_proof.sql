CREATE TABLE writer_proof (
    -- One row that the writer commits when it has been idle, to prove that leads can be stored.
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    proved_at_utc TEXT NOT NULL
) STRICT;
