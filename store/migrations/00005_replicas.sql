-- +goose Up

-- Portals that share this database, and GoTo's rate.
CREATE TABLE replicas (
    id      TEXT   NOT NULL PRIMARY KEY,
    expires BIGINT NOT NULL
);
