-- A finished erasure.
UPDATE erasure_wipe SET wiped_through = 2;
