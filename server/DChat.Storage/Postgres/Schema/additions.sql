-- One row for each process: a check proves that a commit works, and waits for no other process. Versions before count in store.checks, which stays for them.
CREATE TABLE IF NOT EXISTS store_checks (
    process text COLLATE "C" PRIMARY KEY,
    at timestamptz NOT NULL
) WITH (fillfactor = 50);
