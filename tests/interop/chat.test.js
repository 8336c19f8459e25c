// Drives a running server (DCHAT_URL) with the official JavaScript SignalR client, as a browser client does.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { HttpTransportType, HubConnectionBuilder, HubConnectionState, LogLevel } from '@microsoft/signalr';

const server = process.env.DCHAT_URL;
const password = 'correct horse battery';
const limitMs = 60_000;

/** The code of a refused call, taken out as the contract says. */
const codeOf = error => /HubException: ([a-z_]+)( retryAfterMs=\d+)?: /.exec(error.message)?.[1];

const within = (promise, what) => {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${limitMs} ms`)), limitMs);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
};

const post = async (path, body, token) => {
  const answer = await fetch(server + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, type: answer.headers.get('content-type'), body: text ? JSON.parse(text) : undefined };
};

/** A way to the server that can be cut. */
const openLine = async () => {
  const { hostname, port } = new URL(server);
  const ends = new Set();
  const line = createServer(near => {
    const far = connect(Number(port), hostname);
    for (const end of [near, far]) {
      ends.add(end);
      end.on('error', () => end.destroy());
      end.on('close', () => { ends.delete(end); near.destroy(); far.destroy(); });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise(resolve => line.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${line.address().port}`,
    cut: () => ends.forEach(end => end.destroy()),
    close: () => { line.close(); ends.forEach(end => end.destroy()); },
  };
};

/** A signed-in user with a connection, and every event that it got. */
class Client {
  static async connect(user, token, address = server) {
    const client = new Client(user, token, address);
    await within(client.hub.start(), 'the connection');
    return client;
  }

  static async register(prefix) {
    const user = `${prefix}-${randomUUID().slice(0, 8)}`;
    const { status, body } = await post('/api/register', { user, password });
    assert.equal(status, 201);
    return Client.connect(user, body.accessToken);
  }

  constructor(user, token, address) {
    this.user = user;
    this.token = token;
    this.seen = [];
    this.waiting = [];
    this.hub = new HubConnectionBuilder()
      .withUrl(`${address}/chat`, { skipNegotiation: true, transport: HttpTransportType.WebSockets, accessTokenFactory: () => this.token })
      .withAutomaticReconnect([0, 100, 500])
      .configureLogging(LogLevel.None)
      .build();
    for (const name of ['events', 'presence', 'typing', 'roomChanged', 'roomRemoved', 'read', 'resync', 'reconnect', 'signedOut']) {
      this.hub.on(name, argument => this.#take({ name, argument }));
    }
  }

  call(method, request = {}) {
    return within(this.hub.invoke(method, request), method);
  }

  send(room, body, clientId = randomUUID()) {
    return this.call('send', { room, clientId, body });
  }

  /** The first event of this name that fits and was not taken yet. */
  next(name, fits = () => true) {
    const at = this.seen.findIndex(event => event.name === name && fits(event.argument));
    if (at >= 0) {
      return Promise.resolve(this.seen.splice(at, 1)[0].argument);
    }
    return within(new Promise(resolve => this.waiting.push({ name, fits, resolve })), name);
  }

  nextPost(room, body) {
    return this.next('events', call => call.room === room && call.events.some(change => change.kind === 'posted' && change.message.body === body));
  }

  async refuses(code, method, request) {
    await assert.rejects(this.call(method, request), error => {
      assert.equal(codeOf(error), code, error.message);
      return true;
    });
  }

  stop() {
    return within(this.hub.stop(), 'the end of the connection');
  }

  #take(event) {
    const at = this.waiting.findIndex(one => one.name === event.name && one.fits(event.argument));
    if (at >= 0) {
      this.waiting.splice(at, 1)[0].resolve(event.argument);
    } else {
      this.seen.push(event);
    }
  }
}

describe('the official JavaScript client', () => {
  let ann, ben;

  before(async () => {
    assert.ok(server, 'DCHAT_URL names the server');
    ann = await Client.register('ann');
    ben = await Client.register('ben');
  });

  after(async () => {
    await ann?.stop();
    await ben?.stop();
  });

  const makeRoom = async () => {
    const room = await ann.call('createRoom', { name: `js ${randomUUID()}`, visibility: 'public' });
    await ben.call('joinRoom', { room: room.name });
    await noticed(room.id, `${ben.user} joined`);
    return room.id;
  };

  /** Waits for a notice: the host writes it a little after the join, and it takes a rev of its own. */
  const noticed = async (room, body) => {
    const until = Date.now() + limitMs;
    while (!(await ann.call('history', { room })).messages.some(message => message.kind === 'system' && message.body === body)) {
      assert.ok(Date.now() < until, `no notice: ${body}`);
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  };

  it('signs in with name and password', async () => {
    const { status, body } = await post('/api/login', { user: ann.user, password });
    assert.equal(status, 200);
    const again = await Client.connect(ann.user, body.accessToken);
    assert.equal((await again.call('sync')).me.user, ann.user);
    await again.stop();
    const wrong = await post('/api/login', { user: ann.user, password: 'not this one' });
    assert.deepEqual([wrong.status, wrong.body.code], [401, 'bad_credentials']);
    assert.match(wrong.type, /^application\/problem\+json/);
  });

  it('is told to skip the negotiation', async () => {
    const { status, body } = await post('/chat/negotiate?negotiateVersion=1');
    assert.deepEqual([status, body.code], [400, 'skip_negotiation']);
    const hub = new HubConnectionBuilder().withUrl(`${server}/chat`, { accessTokenFactory: () => ann.token }).configureLogging(LogLevel.None).build();
    await assert.rejects(hub.start(), /400/);
  });

  it('is not let in without a token', async () => {
    const hub = new HubConnectionBuilder()
      .withUrl(`${server}/chat`, { skipNegotiation: true, transport: HttpTransportType.WebSockets })
      .configureLogging(LogLevel.None)
      .build();
    await assert.rejects(within(hub.start(), 'the refusal'));
    assert.equal(hub.state, HubConnectionState.Disconnected);
  });

  it('sends and receives', async () => {
    const room = await makeRoom();
    await ben.call('sync');
    const body = 'Grüße 👋 "<&>"\n\tzwei';
    const sent = await ann.send(room, body);
    const { events } = await ben.nextPost(room, body);
    const message = events.find(change => change.rev === sent.rev).message;
    assert.deepEqual(
      [message.seq, message.rev, message.sentAt, message.author, message.kind, message.body],
      [sent.seq, sent.rev, sent.sentAt, ann.user, 'text', body]);
    assert.deepEqual((await ben.call('history', { room, limit: 1 })).messages, [message]);
  });

  it('sends much at once, which it joins into one message', async () => {
    const room = await makeRoom();
    const body = 'x'.repeat(500);
    const answers = await Promise.all(Array.from({ length: 400 }, () => ann.send(room, body)));
    assert.equal(new Set(answers.map(answer => answer.seq)).size, 400);
  });

  it('edits, reacts and deletes', async () => {
    const room = await makeRoom();
    await ben.call('sync');
    const { seq } = await ann.send(room, 'first');
    const kind = wanted => call => call.room === room && call.events.some(change => change.kind === wanted);
    await ann.call('edit', { room, clientId: randomUUID(), seq, body: 'second' });
    assert.equal((await ben.next('events', kind('edited'))).events.at(-1).message.body, 'second');
    await ben.call('react', { room, clientId: randomUUID(), seq, emoji: '🎉', on: true });
    assert.deepEqual((await ben.next('events', kind('reacted'))).events.at(-1).reaction, { user: ben.user, emoji: '🎉', on: true });
    await ann.call('delete', { room, clientId: randomUUID(), seq });
    assert.equal((await ben.next('events', kind('deleted'))).events.at(-1).message.body, '');
  });

  it('repeats a send and gets the first answer', async () => {
    const room = await makeRoom();
    const clientId = randomUUID();
    const first = await ann.send(room, 'once', clientId);
    const answers = await Promise.all([1, 2, 3].map(() => ann.send(room, 'once', clientId)));
    assert.deepEqual(answers, [first, first, first]);
  });

  it('reads the code out of a refusal', async () => {
    const room = await makeRoom();
    await ben.refuses('forbidden', 'kick', { room, user: ann.user });
    await ben.refuses('not_found', 'subscribe', { room: 'nowhere' });
    await ben.refuses('invalid_argument', 'send', { room, clientId: randomUUID(), body: ' ' });
    await ann.call('updateRoom', { room, slowModeSeconds: 60 });
    await ben.send(room, 'one');
    await assert.rejects(ben.send(room, 'two'), error => {
      assert.match(error.message, /HubException: slow_mode retryAfterMs=\d+: /);
      return codeOf(error) === 'slow_mode';
    });
  });

  it('gets no code for what does not bind, and goes on', async () => {
    for (const [method, ...request] of [['noSuchMethod', {}], ['sync'], ['sync', {}, {}], ['subscribe', { room: 7 }]]) {
      await assert.rejects(within(ann.hub.invoke(method, ...request), method), error => codeOf(error) === undefined);
    }
    await ann.call('sync');
  });

  it('hears of rooms, typing, read marks and presence', async () => {
    const second = await Client.connect(ben.user, ben.token);
    await second.call('sync');
    const room = await makeRoom();
    const changed = await second.next('roomChanged', told => told.room.id === room);
    assert.equal(changed.room.role, 'member');
    assert.equal(typeof changed.rev, 'number');
    await ann.call('subscribe', { room });
    await second.next('presence', told => told.room === room && told.users.some(one => one.user === ann.user && one.state === 'online'));
    await ann.call('typing', { room });
    assert.deepEqual((await second.next('typing', told => told.room === room)).users, [ann.user]);
    const { seq } = await ann.send(room, 'read me');
    await ben.call('markRead', { room, seq });
    assert.deepEqual(await second.next('read'), { room, seq });
    await ann.call('kick', { room, user: ben.user });
    assert.deepEqual(await second.next('roomRemoved'), { room, reason: 'kicked' });
    await second.stop();
  });

  it('resumes where it was after a new connection', async () => {
    const room = await makeRoom();
    const away = await Client.connect(ben.user, ben.token);
    const { rev } = await ann.send(room, 'seen');
    await away.call('subscribe', { room });
    await away.stop();
    await ann.send(room, 'missed one');
    await ann.send(room, 'missed two');
    const back = await Client.connect(ben.user, ben.token);
    const synced = (await back.call('sync', { revs: { [room]: rev } })).rooms.find(one => one.room.id === room);
    assert.deepEqual([synced.reset, synced.more, synced.messages.map(message => message.body)], [false, false, ['missed one', 'missed two']]);
    const subscribed = await back.call('subscribe', { room, afterRev: rev + 1 });
    assert.deepEqual(subscribed.messages.map(message => message.body), ['missed two']);
    const next = await ann.send(room, 'live');
    assert.equal(next.rev, subscribed.rev + 1);
    await back.nextPost(room, 'live');
    await back.stop();
  });

  it('reconnects by itself when the connection breaks, and resumes without a hole', async () => {
    const room = await makeRoom();
    const line = await openLine();
    after(() => line.close());
    const client = await Client.connect(ben.user, ben.token, line.address);
    const { rev } = await client.call('subscribe', { room });
    const reconnected = within(new Promise(resolve => client.hub.onreconnected(resolve)), 'the reconnection');
    line.cut();
    await ann.send(room, 'while away');
    await reconnected;
    const resumed = await client.call('subscribe', { room, afterRev: rev });
    assert.deepEqual(resumed.messages.map(message => message.body), ['while away']);
    await ann.send(room, 'live again');
    await client.nextPost(room, 'live again');
    await client.stop();
  });

  it('is signed out when the session ends', async () => {
    const client = await Client.register('cem');
    const closed = within(new Promise(resolve => client.hub.onclose(resolve)), 'the end');
    let tried = false;
    client.hub.onreconnecting(() => { tried = true; });
    await client.call('sync');
    assert.equal((await post('/api/logout', {}, client.token)).status, 204);
    assert.equal(typeof (await client.next('signedOut')).reason, 'string');
    await closed;
    assert.equal(tried, false, 'a signed-out client does not try to reconnect');
  });

  it('streams nothing, and says so', async () => {
    await assert.rejects(within(new Promise((resolve, reject) => {
      ann.hub.stream('sync', {}).subscribe({ next: resolve, complete: resolve, error: reject });
    }), 'the refusal'), /does not stream/);
    await ann.call('sync');
  });
});
