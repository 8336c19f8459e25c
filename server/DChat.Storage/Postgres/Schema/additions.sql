-- One row for each process: a check proves that a commit works, and waits for no other process. Versions before count in store.checks, which stays for them.
CREATE TABLE IF NOT EXISTS store_checks (
    process text COLLATE "C" PRIMARY KEY,
    at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Retention of a host at its epoch, and no further than this server's own clock goes. A room that was not opened at the epoch yet stands at a lower one.
-- Versions before call retain_room themselves, which stays for them. One that is there is left as it is: whoever starts need not own it. A change of it takes another name.
DO $do$ BEGIN
    IF to_regprocedure('retain_room_at(text, bigint, bigint, bigint, integer, bigint)') IS NULL THEN
        CREATE FUNCTION retain_room_at(p_id text, p_epoch bigint, p_before bigint, p_kept bigint, p_limit integer, p_now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM rooms WHERE id = p_id AND epoch <= p_epoch FOR NO KEY UPDATE;
            IF NOT FOUND THEN
                RETURN false;
            END IF;

            RETURN retain_room(p_id, least(p_before, (extract(epoch FROM clock_timestamp()) * 1000)::bigint - p_kept), p_limit, p_now);
        END
        $$;
    END IF;
END $do$;
