-- +goose Up

-- Calendar feeds, one a user, each with a grant of its own. The key is a hash of
-- what its address has to say, which stands nowhere. Both sealed columns open
-- with the master key alone; tokens_sealed is empty once the grant is over.
CREATE TABLE feeds (
    id_hash        TEXT   NOT NULL PRIMARY KEY,
    user_ref       TEXT   NOT NULL UNIQUE,
    created        BIGINT NOT NULL,
    last_used      BIGINT NOT NULL,
    writes         BIGINT NOT NULL,
    key_id         TEXT   NOT NULL,
    sealed         BYTEA  NOT NULL,
    tokens_version BIGINT NOT NULL,
    tokens_key_id  TEXT   NOT NULL,
    tokens_sealed  BYTEA  NOT NULL
);

-- Who refreshes a feed's tokens just now, as refresh_leases is for sessions.
CREATE TABLE feed_leases (
    id_hash TEXT   NOT NULL PRIMARY KEY REFERENCES feeds (id_hash) ON DELETE CASCADE,
    holder  TEXT   NOT NULL,
    fence   BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX feed_leases_by_expiry ON feed_leases (expires);

-- How often a meeting was seen to be another than before: a calendar's
-- SEQUENCE, which GoTo does not count.
CREATE TABLE revisions (
    account_key TEXT   NOT NULL,
    meeting_id  TEXT   NOT NULL,
    digest      TEXT   NOT NULL,
    sequence    BIGINT NOT NULL,
    ends        BIGINT NOT NULL,
    PRIMARY KEY (account_key, meeting_id)
);
CREATE INDEX revisions_by_end ON revisions (ends);
