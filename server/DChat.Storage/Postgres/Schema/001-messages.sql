-- The tables of the message store. A message's id is room key << 36 | seq, as in the embedded engine.
-- rooms.removed_seq and removed_rev: what retention took; all messages above removed_seq are there.
-- rooms.indexed_rev and indexed_removed: how far search follows; dirty_since: since when (Unix ms) it is behind, null where it is not.
-- answers outlive retention; reactions.ordinal is the rev that the reaction took.

CREATE TABLE store (
    id text NOT NULL,
    checks bigint NOT NULL
);
INSERT INTO store (id, checks) VALUES (replace(gen_random_uuid()::text, '-', ''), 0);

-- A room's row is written at every commit: free space lets the new version stay on its page, out of the indexes.
CREATE TABLE rooms (
    key bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 134217727) PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    epoch bigint NOT NULL,
    seq bigint NOT NULL DEFAULT 0 CHECK (seq < 68719476736),
    rev bigint NOT NULL DEFAULT 0,
    last_sent_at bigint NOT NULL DEFAULT 0,
    removed_seq bigint NOT NULL DEFAULT 0,
    removed_rev bigint NOT NULL DEFAULT 0,
    purged boolean NOT NULL DEFAULT false,
    indexed_rev bigint NOT NULL DEFAULT 0,
    indexed_removed bigint NOT NULL DEFAULT 0,
    dirty_since bigint
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
CREATE INDEX rooms_dirty ON rooms (dirty_since) WHERE dirty_since IS NOT NULL;
CREATE INDEX rooms_to_purge ON rooms (key) WHERE epoch = 9223372036854775807 AND NOT purged;

CREATE TABLE messages (
    id bigint PRIMARY KEY,
    room_key bigint NOT NULL,
    rev bigint NOT NULL,
    kind smallint NOT NULL,
    author text COLLATE "C" NOT NULL,
    client_id text COLLATE "C" NOT NULL,
    sent_at bigint NOT NULL,
    body text NOT NULL,
    reply_to bigint,
    edited_at bigint,
    deleted_at bigint,
    files text,
    reactions text
);
CREATE UNIQUE INDEX messages_rev ON messages (room_key, rev);

CREATE TABLE answers (
    room_key bigint NOT NULL,
    author text COLLATE "C" NOT NULL,
    client_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    rev bigint NOT NULL,
    sent_at bigint NOT NULL,
    PRIMARY KEY (room_key, author, client_id)
);

CREATE TABLE reactions (
    message_id bigint NOT NULL,
    user_name text COLLATE "C" NOT NULL,
    emoji text COLLATE "C" NOT NULL,
    ordinal bigint NOT NULL,
    PRIMARY KEY (message_id, user_name, emoji)
);
CREATE INDEX reactions_order ON reactions (message_id, emoji, ordinal);

CREATE TABLE mentions (
    room_key bigint NOT NULL,
    user_name text COLLATE "C" NOT NULL,
    message_id bigint NOT NULL,
    PRIMARY KEY (room_key, user_name, message_id)
);
CREATE INDEX mentions_message ON mentions (message_id);

CREATE TABLE read_marks (
    room_key bigint NOT NULL,
    user_name text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (room_key, user_name)
);

-- words holds, beside the words with their places, the lexeme '#N' of the message's window, N = id >> 12:
-- so a search can be confined to windows, and costs no more than they hold, however frequent its words are elsewhere.
CREATE TABLE search (
    id bigint PRIMARY KEY,
    sent_at bigint NOT NULL,
    words tsvector NOT NULL
);
CREATE INDEX search_words ON search USING gin (words) WITH (fastupdate = off);

-- A tsvector or tsquery in text, without diacritics.
CREATE FUNCTION fold(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN octet_length(p_text) = length(p_text) THEN p_text
        ELSE regexp_replace(normalize(p_text, NFD), '[\u0300-\u036f]', '', 'g')
    END
$$;

-- Statuses are those of RoomStatus: 0 ok, 1 fenced, 2 stale, 3 closed; and 4: look closer.
-- Rooms are given in order of their ids, so that whoever locks several locks them in one order.
CREATE FUNCTION open_rooms(p_ids text[], p_epochs bigint[])
RETURNS TABLE (o_status smallint, o_seq bigint, o_rev bigint, o_sent_at bigint)
LANGUAGE plpgsql AS $$
DECLARE
    v_keys bigint[];
    v_statuses smallint[];
    v_seqs bigint[];
    v_revs bigint[];
    v_sents bigint[];
BEGIN
    INSERT INTO rooms (id, epoch)
    SELECT i.id, i.epoch
    FROM unnest(p_ids, p_epochs) AS i (id, epoch)
    WHERE NOT EXISTS (SELECT FROM rooms r WHERE r.id = i.id)
    ON CONFLICT DO NOTHING;

    SELECT array_agg(r.key),
        array_agg((CASE
            WHEN r.epoch = 9223372036854775807 THEN 3
            WHEN r.epoch > i.epoch THEN 1
            ELSE 0
        END)::smallint),
        array_agg(r.seq), array_agg(r.rev), array_agg(r.last_sent_at)
    INTO v_keys, v_statuses, v_seqs, v_revs, v_sents
    FROM unnest(p_ids, p_epochs) AS i (id, epoch)
    CROSS JOIN LATERAL (SELECT * FROM rooms WHERE rooms.id = i.id FOR NO KEY UPDATE) r;

    UPDATE rooms r SET epoch = i.epoch
    FROM unnest(v_keys, v_statuses, p_epochs) AS i (key, status, epoch)
    WHERE r.key = i.key AND i.status = 0 AND r.epoch < i.epoch;

    RETURN QUERY SELECT * FROM unnest(v_statuses, v_seqs, v_revs, v_sents);
END
$$;

-- The fence. One statement locks the rooms, judges each, drops whole rooms that need a closer look (a repeat, a reply to what is
-- not there), numbers the rest and writes it.
-- p_*: one for each room. m_*: posts; m_room is the room's place in p_*, m_seq and m_rev count from the room's. n_*: mentions.
-- p_removed: where retention must stand for the caller's decisions to hold; -1: it need not.
-- p_changes: what is not a post: answers, updates, unreact, react, clear, unmention, each a list.
CREATE FUNCTION write_rooms(
    p_ids text[], p_epochs bigint[], p_revs bigint[], p_removed bigint[], p_posts integer[], p_takes integer[], p_sents bigint[],
    m_room integer[], m_seq integer[], m_rev integer[], m_kind smallint[], m_author text[], m_client text[], m_at bigint[],
    m_body text[], m_reply bigint[], m_files text[],
    n_room integer[], n_seq bigint[], n_user text[],
    p_changes jsonb, p_now bigint)
RETURNS TABLE (o_status smallint, o_seq bigint, o_rev bigint, o_sent_at bigint)
LANGUAGE plpgsql AS $$
DECLARE
    v_keys bigint[];
    v_statuses smallint[];
    v_seqs bigint[];
    v_revs bigint[];
    v_sents bigint[];
    v_gone bigint[];
    v_expected bigint;
    v_written bigint;
    v_count bigint;
    v_room integer;
BEGIN
    SELECT array_agg(coalesce(r.key, 0)),
        array_agg((CASE
            WHEN r.key IS NULL THEN 2
            WHEN r.epoch = 9223372036854775807 THEN 3
            WHEN r.epoch > i.epoch THEN 1
            WHEN r.epoch < i.epoch OR r.rev <> i.rev THEN 2
            WHEN i.removed >= 0 AND r.removed_seq <> i.removed THEN 4
            ELSE 0
        END)::smallint),
        array_agg(coalesce(r.seq, 0)), array_agg(coalesce(r.rev, 0)), array_agg(coalesce(r.last_sent_at, 0)), array_agg(coalesce(r.removed_seq, 0))
    INTO v_keys, v_statuses, v_seqs, v_revs, v_sents, v_gone
    FROM unnest(p_ids, p_epochs, p_revs, p_removed) AS i (id, epoch, rev, removed)
    LEFT JOIN LATERAL (SELECT * FROM rooms WHERE rooms.id = i.id FOR NO KEY UPDATE) r ON true;

    FOR v_room IN
        SELECT DISTINCT m.room
        FROM unnest(m_room, m_seq, m_reply) AS m (room, seq, reply)
        WHERE m.reply <= v_gone[m.room] OR m.reply >= v_seqs[m.room] + m.seq
    LOOP
        IF v_statuses[v_room] = 0 THEN
            v_statuses[v_room] := 4;
        END IF;
    END LOOP;

    INSERT INTO answers (room_key, author, client_id, seq, rev, sent_at)
    SELECT v_keys[m.room], m.author, m.client, v_seqs[m.room] + m.seq, v_revs[m.room] + m.rev, greatest(v_sents[m.room], m.at)
    FROM unnest(m_room, m_seq, m_rev, m_author, m_client, m_at) AS m (room, seq, rev, author, client, at)
    WHERE v_statuses[m.room] = 0
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    SELECT count(*) INTO v_expected FROM unnest(m_room) AS m (room) WHERE v_statuses[m.room] = 0;

    IF p_changes IS NOT NULL THEN
        INSERT INTO answers (room_key, author, client_id, seq, rev, sent_at)
        SELECT v_keys[a.room], a.author, a.client, a.seq, v_revs[a.room] + a.rev, 0
        FROM jsonb_to_recordset(p_changes -> 'answers') AS a (room integer, author text, client text, seq bigint, rev integer)
        WHERE v_statuses[a.room] = 0
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        v_written := v_written + v_count;
        SELECT v_expected + count(*) INTO v_expected
        FROM jsonb_to_recordset(p_changes -> 'answers') AS a (room integer)
        WHERE v_statuses[a.room] = 0;
    END IF;

    IF v_written <> v_expected THEN
        -- Some were answered before: their rooms are not written at all now. An answer of before differs in its rev.
        -- LIMIT 1: by the whole key, whatever the planner believes of a young table; joined plainly, it read all answers of a room for each row.
        FOR v_room IN
            SELECT DISTINCT w.room
            FROM (
                SELECT m.room, m.author, m.client, v_revs[m.room] + m.rev AS rev
                FROM unnest(m_room, m_rev, m_author, m_client) AS m (room, rev, author, client)
                UNION ALL
                SELECT a.room, a.author, a.client, v_revs[a.room] + a.rev
                FROM jsonb_to_recordset(p_changes -> 'answers') AS a (room integer, author text, client text, rev integer)
            ) w
            CROSS JOIN LATERAL (SELECT rev FROM answers WHERE room_key = v_keys[w.room] AND author = w.author AND client_id = w.client LIMIT 1) x
            WHERE v_statuses[w.room] = 0 AND x.rev <> w.rev
        LOOP
            v_statuses[v_room] := 4;
        END LOOP;

        DELETE FROM answers WHERE ctid = ANY (ARRAY(
            SELECT x.ctid
            FROM (
                SELECT m.room, m.author, m.client, v_revs[m.room] + m.rev AS rev
                FROM unnest(m_room, m_rev, m_author, m_client) AS m (room, rev, author, client)
                UNION ALL
                SELECT a.room, a.author, a.client, v_revs[a.room] + a.rev
                FROM jsonb_to_recordset(p_changes -> 'answers') AS a (room integer, author text, client text, rev integer)
                WHERE a.rev > 0
            ) w
            CROSS JOIN LATERAL (SELECT ctid, rev FROM answers WHERE room_key = v_keys[w.room] AND author = w.author AND client_id = w.client LIMIT 1) x
            WHERE v_statuses[w.room] = 4 AND x.rev = w.rev));
    END IF;

    INSERT INTO messages (id, room_key, rev, kind, author, client_id, sent_at, body, reply_to, files)
    SELECT (v_keys[m.room] << 36) | (v_seqs[m.room] + m.seq), v_keys[m.room], v_revs[m.room] + m.rev, m.kind, m.author, m.client,
        greatest(v_sents[m.room], m.at), m.body, m.reply, m.files
    FROM unnest(m_room, m_seq, m_rev, m_kind, m_author, m_client, m_at, m_body, m_reply, m_files)
        AS m (room, seq, rev, kind, author, client, at, body, reply, files)
    WHERE v_statuses[m.room] = 0;

    IF p_changes IS NOT NULL THEN
        UPDATE messages t
        SET rev = v_revs[u.room] + u.rev, body = u.body, edited_at = u.edited, deleted_at = u.deleted, files = u.files, reactions = u.reactions
        FROM jsonb_to_recordset(p_changes -> 'updates')
            AS u (room integer, seq bigint, rev integer, body text, edited bigint, deleted bigint, files text, reactions text)
        WHERE v_statuses[u.room] = 0 AND t.id = (v_keys[u.room] << 36) | u.seq;

        DELETE FROM reactions t
        USING jsonb_to_recordset(p_changes -> 'unreact') AS u (room integer, seq bigint, author text, emoji text)
        WHERE v_statuses[u.room] = 0 AND t.message_id = (v_keys[u.room] << 36) | u.seq AND t.user_name = u.author AND t.emoji = u.emoji;

        INSERT INTO reactions (message_id, user_name, emoji, ordinal)
        SELECT (v_keys[u.room] << 36) | u.seq, u.author, u.emoji, v_revs[u.room] + u.rev
        FROM jsonb_to_recordset(p_changes -> 'react') AS u (room integer, seq bigint, author text, emoji text, rev integer)
        WHERE v_statuses[u.room] = 0;

        DELETE FROM reactions t
        USING jsonb_to_recordset(p_changes -> 'clear') AS u (room integer, seq bigint)
        WHERE v_statuses[u.room] = 0 AND t.message_id = (v_keys[u.room] << 36) | u.seq;

        DELETE FROM mentions t
        USING jsonb_to_recordset(p_changes -> 'unmention') AS u (room integer, seq bigint)
        WHERE v_statuses[u.room] = 0 AND t.message_id = (v_keys[u.room] << 36) | u.seq;
    END IF;

    IF cardinality(n_room) > 0 THEN
        INSERT INTO mentions (room_key, user_name, message_id)
        SELECT v_keys[n.room], n.user_name, (v_keys[n.room] << 36) | (v_seqs[n.room] + n.seq)
        FROM unnest(n_room, n_seq, n_user) AS n (room, seq, user_name)
        WHERE v_statuses[n.room] = 0
        ON CONFLICT DO NOTHING;
    END IF;

    UPDATE rooms r
    SET seq = r.seq + i.posts, rev = r.rev + i.takes, last_sent_at = greatest(r.last_sent_at, i.sent), dirty_since = coalesce(r.dirty_since, p_now)
    FROM unnest(v_keys, v_statuses, p_posts, p_takes, p_sents) AS i (key, status, posts, takes, sent)
    WHERE r.key = i.key AND i.status = 0 AND i.takes > 0;

    RETURN QUERY SELECT * FROM unnest(v_statuses, v_seqs, v_revs, v_sents);
END
$$;

CREATE FUNCTION close_room(p_id text, p_now bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO rooms (id, epoch) VALUES (p_id, 9223372036854775807)
    ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, dirty_since = coalesce(rooms.dirty_since, p_now)
    WHERE rooms.epoch < excluded.epoch
$$;

CREATE FUNCTION remove_messages(p_from bigint, p_to bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM mentions WHERE message_id BETWEEN p_from AND p_to;
    DELETE FROM reactions WHERE message_id BETWEEN p_from AND p_to;
    DELETE FROM messages WHERE id BETWEEN p_from AND p_to;
END
$$;

-- Times never decrease along seq, so what is too old is a range. True while there is more.
CREATE FUNCTION retain_room(p_id text, p_before bigint, p_limit integer, p_now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_room rooms%ROWTYPE;
    v_old bigint;
    v_id bigint;
    v_rev bigint;
BEGIN
    SELECT * INTO v_room FROM rooms WHERE id = p_id AND epoch < 9223372036854775807 FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    SELECT count(*), max(o.id) FILTER (WHERE o.n <= p_limit), max(o.rev) FILTER (WHERE o.n <= p_limit)
    INTO v_old, v_id, v_rev
    FROM (
        SELECT m.id, m.rev, m.sent_at, row_number() OVER (ORDER BY m.id) AS n
        FROM (
            SELECT id, rev, sent_at FROM messages
            WHERE id > (v_room.key << 36 | v_room.removed_seq) AND id <= (v_room.key << 36 | v_room.seq)
            ORDER BY id LIMIT p_limit + 1
        ) m
    ) o
    WHERE o.sent_at < p_before;
    IF v_old = 0 THEN
        RETURN false;
    END IF;

    PERFORM remove_messages((v_room.key << 36 | v_room.removed_seq) + 1, v_id);
    UPDATE rooms
    SET removed_seq = v_id & 68719476735, removed_rev = greatest(removed_rev, v_rev), dirty_since = coalesce(dirty_since, p_now)
    WHERE key = v_room.key;
    RETURN v_old > p_limit;
END
$$;

-- Removes up to p_limit messages, or answers, or read marks, of one closed room that nobody else is purging. True while there is more.
CREATE FUNCTION purge_rooms(p_limit integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_room rooms%ROWTYPE;
    v_upto bigint;
    v_count bigint;
BEGIN
    SELECT * INTO v_room FROM rooms WHERE epoch = 9223372036854775807 AND NOT purged ORDER BY key LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    IF v_room.removed_seq < v_room.seq THEN
        v_upto := least(v_room.seq, v_room.removed_seq + p_limit);
        PERFORM remove_messages((v_room.key << 36 | v_room.removed_seq) + 1, v_room.key << 36 | v_upto);
        UPDATE rooms SET removed_seq = v_upto, removed_rev = rev WHERE key = v_room.key;
        RETURN true;
    END IF;

    DELETE FROM answers WHERE ctid = ANY (ARRAY(SELECT ctid FROM answers WHERE room_key = v_room.key LIMIT p_limit));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count = p_limit THEN
        RETURN true;
    END IF;

    DELETE FROM read_marks WHERE ctid = ANY (ARRAY(SELECT ctid FROM read_marks WHERE room_key = v_room.key LIMIT p_limit));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count = p_limit THEN
        RETURN true;
    END IF;

    UPDATE rooms SET purged = true WHERE key = v_room.key;
    RETURN EXISTS (SELECT FROM rooms WHERE epoch = 9223372036854775807 AND NOT purged);
END
$$;

-- The highest seq of a room's messages that stand before a place in the order (time, id), by halving; p_removed where there is none.
CREATE FUNCTION newest_before(p_key bigint, p_removed bigint, p_seq bigint, p_sent_at bigint, p_id bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_low bigint := p_removed;
    v_high bigint := p_seq;
    v_middle bigint;
    v_sent bigint;
BEGIN
    WHILE v_low < v_high LOOP
        v_middle := v_low + (v_high - v_low + 1) / 2;
        SELECT sent_at INTO v_sent FROM messages WHERE id = (p_key << 36 | v_middle);
        IF (coalesce(v_sent, 0), p_key << 36 | v_middle) < (p_sent_at, p_id) THEN
            v_low := v_middle;
        ELSE
            v_high := v_middle - 1;
        END IF;
    END LOOP;
    RETURN v_low;
END
$$;
