// A client that joins a room and then reads nothing more, for seeing that it slows nobody: docs/performance.md says how it is used.
//   DCHAT_URL=http://127.0.0.1:8080 node paused-client.js ROOM [SECONDS]
import net from 'node:net';
import crypto from 'node:crypto';

const url = new URL(process.env.DCHAT_URL ?? 'http://127.0.0.1:8080');
const [room, seconds = '60'] = process.argv.slice(2);
if (!room) {
  console.error('usage: DCHAT_URL=http://HOST:PORT node paused-client.js ROOM [SECONDS]');
  process.exit(2);
}

async function register() {
  const user = `paused-${crypto.randomBytes(4).toString('hex')}`;
  const answer = await fetch(new URL('/api/register', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user, password: crypto.randomBytes(12).toString('hex') }),
  });
  if (!answer.ok) throw new Error(`register answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()).accessToken;
}

// A masked text frame (RFC 6455, 5.2) of one SignalR record; the mask may be zero.
function frame(record) {
  const payload = Buffer.from(`${JSON.stringify(record)}\u001e`);
  const head = payload.length < 126 ? Buffer.from([0x81, 0x80 | payload.length]) : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

async function main() {
  const token = await register();
  const socket = net.connect(Number(url.port || 80), url.hostname);
  socket.write(`GET /chat HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
    `Sec-WebSocket-Key: ${crypto.randomBytes(16).toString('base64')}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  socket.write(frame({ protocol: 'json', version: 1 }));
  socket.write(frame({ type: 1, invocationId: '1', target: 'joinRoom', arguments: [{ room }] }));
  socket.write(frame({ type: 1, invocationId: '2', target: 'sync', arguments: [{}] }));
  let heard = '';
  await new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server closed the connection')));
    socket.on('data', (data) => {
      heard += data.toString('latin1');
      if (heard.includes('"error"')) reject(new Error(heard.slice(heard.indexOf('"error"'))));
      if (heard.includes('"invocationId":"2"')) resolve();
    });
  });
  socket.removeAllListeners('data');
  socket.pause();
  console.log(`joined ${room}, and reads nothing for ${seconds} s`);
  setTimeout(() => process.exit(0), Number(seconds) * 1000);
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
