-- The yardstick: one durable row per transaction, as fast as PostgreSQL takes it.
-- The table has no index and the payload is about as long as a redemption's fact.
\set number random(1, 1000000000)
INSERT INTO loadtest.inserts (number, payload) VALUES (:number, repeat('x', 250));
