-- The words of the leads and their service, to find leads by. It follows the audit log some moments
-- behind and can be made anew from the leads at any time; nothing else depends on it.
-- Without content of its own: of a row it knows the words, not the text. rowid is the microsecond at which the
-- lead was stored, times 1024, plus the last ten bits of its audit_seq.
CREATE VIRTUAL TABLE lead_search USING fts5(
    words, content = '', columnsize = 0, detail = column, prefix = '1 2 3 4 5 6 7 8 9',
    tokenize = "ascii tokenchars '_'"
);
-- Not detail = none: with secure-delete, SQLite 3.53 then loses rows that are added behind a change.
-- What is deleted leaves no trace: an erased lead's words are taken out of the index at once.
INSERT INTO lead_search (lead_search, rank) VALUES ('secure-delete', 1);

-- The status of each lead, as far as lead_search has followed: what changes often costs little here and much there.
CREATE TABLE lead_search_status (
    status    TEXT NOT NULL,
    key       INTEGER NOT NULL, -- rowid in lead_search
    audit_seq INTEGER NOT NULL,
    service   TEXT NOT NULL,    -- empty where the lead names none
    PRIMARY KEY (status, key, audit_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX lead_search_status_and_service ON lead_search_status (status, service, key);

CREATE TABLE lead_search_place (
    -- Up to which audit row lead_search has followed, and by which rules it splits words; by others it is made
    -- anew.
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    followed   INTEGER NOT NULL,
    rules      INTEGER NOT NULL
) STRICT;
INSERT INTO lead_search_place (id, followed, rules) VALUES (1, 0, 0);
