-- +goose Up

-- Who is the same person as whom, as somebody of an account decided. The owner
-- is the account, or a user whose account is not known. They are numbered in
-- the order in which they hold; of two that were decided at the same time one
-- gets the number.
CREATE TABLE aliases (
    owner        TEXT   NOT NULL,
    seq          BIGINT NOT NULL,
    id           TEXT   NOT NULL UNIQUE,
    kind         TEXT   NOT NULL,
    person       TEXT   NOT NULL,
    joined_into  TEXT   NOT NULL,
    person_label TEXT   NOT NULL,
    into_label   TEXT   NOT NULL,
    user_key     TEXT   NOT NULL,
    user_name    TEXT   NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (owner, seq)
);
