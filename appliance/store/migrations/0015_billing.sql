-- Money is in micros: millionths of the account's currency. The balance is what all rows of `billing` come to.
CREATE TABLE billing_account (
    number       INTEGER PRIMARY KEY CHECK (number = 1),
    name         TEXT NOT NULL,
    detail       TEXT NOT NULL,
    currency     TEXT NOT NULL,
    prices       TEXT NOT NULL,
    credit_limit INTEGER NOT NULL,
    low_balance  INTEGER NOT NULL,
    when_spent   TEXT NOT NULL,
    announcement TEXT NOT NULL,
    balance      INTEGER NOT NULL,
    topped_up    INTEGER,
    updated      INTEGER NOT NULL
);
INSERT INTO billing_account VALUES (1, '', '', 'USD', '{}', 0, 0, 'end', '', 0, NULL, 0);

-- The ledger. The id is the idempotency key: of a call its own id, so that it cannot be charged twice.
CREATE TABLE billing (
    number           INTEGER PRIMARY KEY,
    id               BLOB NOT NULL UNIQUE,
    transaction_type TEXT NOT NULL,
    reference_type   TEXT NOT NULL,
    reference_id     BLOB,
    cost_type        TEXT NOT NULL,
    usage_duration   INTEGER NOT NULL,
    billable_units   INTEGER NOT NULL,
    rate             INTEGER NOT NULL,
    amount           INTEGER NOT NULL,
    balance          INTEGER NOT NULL,
    started          INTEGER NOT NULL,
    ended            INTEGER NOT NULL,
    created          INTEGER NOT NULL
);

-- Calls that are being paid for: what a start finds here, the end of the process has cut off.
CREATE TABLE billing_running (
    number    INTEGER PRIMARY KEY,
    call_id   BLOB NOT NULL UNIQUE,
    cost_type TEXT NOT NULL,
    rate      INTEGER NOT NULL,
    started   INTEGER NOT NULL
);
