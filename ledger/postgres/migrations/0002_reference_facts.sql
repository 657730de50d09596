-- The facts that every writer keeps in memory, found without reading the others. The list is the
-- one of `REFERENCE_TOPICS`; a topic that joins it needs a new migration, and a test says so.

CREATE UNIQUE INDEX events_reference ON events (notification_id)
WHERE topic IN (
    'holder.registered.v1',
    'log.origin-started.v1',
    'payment-run.closed.v1',
    'payment-run.cutoff-fixed.v1',
    'programme.closed.v1',
    'programme.opened.v1',
    'programme.rules-published.v1',
    'terminal.enrolled.v1',
    'terminal.invited.v1',
    'terminal.key-rolled.v1',
    'terminal.revoked.v1',
    'venue.qualification-withdrawn.v1',
    'venue.qualified.v1',
    'venue.registered.v1',
    'venue.resumed.v1',
    'venue.suspended.v1'
);
