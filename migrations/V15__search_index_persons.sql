-- Whose the leads are, as far as lead_search has followed: to count a person's requests is one look-up here, and a
-- search of the words each time. Can be made anew like lead_search.
CREATE TABLE lead_search_person (
    person INTEGER NOT NULL, -- a hash of an e-mail address or of a telephone number
    key    INTEGER NOT NULL, -- rowid in lead_search
    PRIMARY KEY (person, key)
) STRICT, WITHOUT ROWID;
