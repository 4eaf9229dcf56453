-- The submissions of `fastcore canary` are kept out of lists and counts, and erased after a day: this index knows
-- which they are.
CREATE INDEX lead_inbox_canary ON lead_inbox (created_at_utc) WHERE source = 'canary';

-- They are not searched. A search index that has some is built again.
UPDATE search_index_state SET tokenizer_version = 0
WHERE EXISTS (SELECT 1 FROM lead_inbox WHERE source = 'canary');

-- The notice of a lead in a channel.
CREATE INDEX notice_by_lead ON notice (channel, through_seq);
