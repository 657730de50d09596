-- The log, its head, and what the writer keeps beside them.
-- Names are relative to the ledger's schema. psql runs this file too:
--   psql -v writer=… -v projector=… -v read_schema=…

CREATE TABLE events (
    -- Which stream, in words: carnet:BFC22-0001234.
    originator_id text NOT NULL,
    originator_version bigint NOT NULL,
    -- The fact's tag, which outlives the class of today: tickets.redeemed.v1.
    topic text NOT NULL,
    -- The event itself, as JSON. The other columns only help to find it.
    state bytea NOT NULL,
    -- The position in the log, from 1 and without a gap.
    notification_id bigint NOT NULL,

    -- Of two writers who saw a stream at one version, the later one fails.
    PRIMARY KEY (originator_id, originator_version),
    -- An event has its position to itself.
    CONSTRAINT events_position UNIQUE (notification_id),
    -- Positions begin at 1.
    CONSTRAINT events_position_positive CHECK (notification_id > 0),
    -- An event fits an entry of the transparency log's tiles, whose length has two bytes.
    CONSTRAINT events_state_size CHECK (octet_length(state) <= 65535),
    -- Nobody approves a payment run that he submitted himself, and both are named.
    -- CASE, so that no other event is parsed.
    CONSTRAINT four_eyes CHECK (
        CASE WHEN topic = 'payment-run.approved.v1' THEN
            coalesce(
                (convert_from(state, 'UTF8')::json ->> 'actor')
                    <> (convert_from(state, 'UTF8')::json -> 'fact' ->> 'submitter'),
                false
            )
        ELSE true END
    )
);

-- What is in the log stays as it is, for its owner too, unless he first removes this
-- trigger by a statement that says so. Nothing runs on INSERT.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the log only grows', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER events_only_grow
    BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Also in a session that plays a replica, where ordinary triggers sleep.
ALTER TABLE events ENABLE ALWAYS TRIGGER events_only_grow;

-- One row. Every append locks it until the commit, so that the order of positions is
-- the order of commits. Its page stays mostly empty: each update finds room beside the
-- old row (HOT), and no index grows.
CREATE TABLE log_head (
    id smallint PRIMARY KEY,
    -- How many events there are, which is the position of the last one.
    size bigint NOT NULL,
    -- The Unix minute at which something was last decided, an event or a refusal:
    -- seconds since 1970 divided by 60.
    minute bigint NOT NULL,
    -- The position of the last event that is reference data; 0 before the first.
    reference bigint NOT NULL,

    -- There is one log in a ledger.
    CONSTRAINT log_head_single CHECK (id = 1),
    CONSTRAINT log_head_size CHECK (size >= 0),
    -- A reference event is an event.
    CONSTRAINT log_head_reference CHECK (reference BETWEEN 0 AND size)
) WITH (fillfactor = 10);

INSERT INTO log_head (id, size, minute, reference) VALUES (1, 0, 0, 0);

-- Who was refused what, and why. Not part of the log: a closing carries their digest.
CREATE TABLE refusals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    refused_at timestamptz NOT NULL,
    command_id text NOT NULL,
    actor text NOT NULL,
    -- The command's type.
    command text NOT NULL,
    -- A value of `Reason`.
    reason text NOT NULL,
    -- The version of the programme's rules that decided, where there is one.
    rule_version integer,
    detail jsonb NOT NULL
);

-- A signature's nonce is good for one request.
CREATE TABLE spent_nonces (
    nonce text PRIMARY KEY,
    -- From here on the signature is too old anyway, and the row can go.
    expires_at timestamptz NOT NULL
);

CREATE INDEX spent_nonces_expiry ON spent_nonces (expires_at);

-- Made and revoked by the owner's command line; the service only looks them up.
CREATE TABLE api_tokens (
    id text PRIMARY KEY,
    -- Of the token, which is random and long; the token itself is kept nowhere.
    sha256 bytea NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,

    -- A token names one caller.
    CONSTRAINT api_tokens_sha256 UNIQUE (sha256),
    CONSTRAINT api_tokens_sha256_size CHECK (octet_length(sha256) = 32),
    CONSTRAINT api_tokens_role CHECK (role IN ('operator', 'approver', 'auditor'))
);

-- The writer appends. It has no way to change or remove an event or a refusal.
GRANT SELECT, INSERT ON events TO :"writer";
GRANT SELECT, UPDATE ON log_head TO :"writer";
GRANT SELECT, INSERT ON refusals TO :"writer";
GRANT SELECT, INSERT, DELETE ON spent_nonces TO :"writer";
GRANT SELECT ON api_tokens TO :"writer";

-- The projector reads the log. The read models are its own, to drop and to build anew.
GRANT SELECT ON events, log_head, refusals TO :"projector";
CREATE SCHEMA :"read_schema" AUTHORIZATION :"projector";
