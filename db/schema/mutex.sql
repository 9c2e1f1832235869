-- Deploy pgjikan:schema/mutex to pg
-- requires: schema/namespaces

-- What only one transaction may do at a time, as rows to lock. Not advisory locks: their keys are
-- open to every login of the database, and one that holds such a key holds up everybody.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.mutex (
    name text PRIMARY KEY
);

COMMENT ON TABLE jikan_sync.mutex IS
'Rows that are only ever locked, by whoever does what they are named after.';
COMMENT ON COLUMN jikan_sync.mutex.name IS
'title: adding titles (taken before rows of jikan.anime); franchise: putting franchises together
(taken after them).';

INSERT INTO jikan_sync.mutex (name)
VALUES ('franchise'), ('title');

COMMIT;
