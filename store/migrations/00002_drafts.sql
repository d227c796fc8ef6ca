-- +goose Up

-- Forms that could not be sent because their session was over. Only the cookie
-- of the browser that typed them opens them.
CREATE TABLE drafts (
    id_hash TEXT   NOT NULL PRIMARY KEY,
    expires BIGINT NOT NULL,
    key_id  TEXT   NOT NULL,
    sealed  BYTEA  NOT NULL
);
CREATE INDEX drafts_by_expiry ON drafts (expires);
