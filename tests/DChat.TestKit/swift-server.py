"""OpenStack Swift with its S3 door in one process: a proxy, an account, a container and an object server, each on its port.

Arguments: FOLDER REGION SECRET ADDRESS PROXY_PORT ACCOUNT_PORT CONTAINER_PORT OBJECT_PORT; the proxy listens at the address. The folder keeps
configuration, rings and data; started again with the same arguments it goes on with them. Prints "ready" when it answers, then a line for each
request.
"""
import os
import sys

from swift.common import storage_policy, utils

FOLDER, REGION, SECRET, ADDRESS = sys.argv[1:5]
PORTS = dict(zip(('proxy', 'account', 'container', 'object'), map(int, sys.argv[5:9])))

# Before anything reads it; the packaged one belongs to the system.
utils.SWIFT_CONF_FILE = os.path.join(FOLDER, 'swift.conf')
with open(utils.SWIFT_CONF_FILE, 'w') as conf:
    conf.write('[swift-hash]\nswift_hash_path_suffix = test\nswift_hash_path_prefix = test\n')
storage_policy.reload_storage_policies()
utils.eventlet_monkey_patch()

import eventlet  # noqa: E402
import eventlet.wsgi  # noqa: E402
from swift.common import wsgi  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402

# Where a part of it does not answer another, all of it was frozen: what was begun then goes on. With Swift's own limits the object would be there
# and not in the listing, until a daemon that does not run here puts it there, which S3 never does.
COMMON = f'''
[DEFAULT]
swift_dir = {FOLDER}
devices = {FOLDER}/devices
mount_check = false
disable_fallocate = true
log_address = {FOLDER}/no-log
conn_timeout = 60
node_timeout = 60
container_update_timeout = 60
error_suppression_limit = 1000000
'''
STORAGE = '''
[pipeline:main]
pipeline = server
[app:server]
use = egg:swift#%s
'''
PROXY = f'''
[pipeline:main]
pipeline = catch_errors cache s3api tempauth bulk slo keymaster encryption proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
paste.filter_factory = __main__:cache
[filter:s3api]
use = egg:swift#s3api
location = {REGION}
[filter:tempauth]
use = egg:swift#tempauth
user_test_owner = {SECRET} .admin
user_test_stranger = {SECRET}
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:keymaster]
use = egg:swift#keymaster
encryption_root_secret = MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=
[filter:encryption]
use = egg:swift#encryption
'''


class Cache:
    """Stands in for memcached, which would be one more process and port."""

    def __init__(self):
        self.values = {}

    def get(self, key, raise_on_error=False):
        return self.values.get(key)

    def set(self, key, value, serialize=True, time=0, min_compress_len=0, raise_on_error=False):
        self.values[key] = value

    def delete(self, key, server_key=None):
        self.values.pop(key, None)


def cache(_, **__):
    values = Cache()

    def around(app):
        def run(env, start_response):
            env['swift.cache'] = values
            return app(env, start_response)
        return run
    return around


class Requests:
    @staticmethod
    def write(line):
        sys.stdout.write(line)
        sys.stdout.flush()


def serve(kind, text):
    path = os.path.join(FOLDER, kind + '-server.conf')
    with open(path, 'w') as conf:
        conf.write(COMMON + text)
    app = wsgi.loadapp(path, global_conf={'log_name': kind})
    log = {'log': Requests, 'log_format': 'request %(request_line)s %(status_code)s'} if kind == 'proxy' else {'log': open(os.devnull, 'w')}
    eventlet.spawn(
        eventlet.wsgi.server, eventlet.listen((ADDRESS if kind == 'proxy' else '127.0.0.1', PORTS[kind]), backlog=1024), app,
        protocol=wsgi.SwiftHttpProtocol, capitalize_response_headers=False, socket_timeout=60, **log)


os.makedirs(os.path.join(FOLDER, 'devices', 'd'), exist_ok=True)
for part in ('account', 'container', 'object'):
    builder = RingBuilder(4, 1, 0)
    builder.add_dev({
        'id': 0, 'region': 1, 'zone': 1, 'device': 'd', 'weight': 1, 'meta': '',
        'ip': '127.0.0.1', 'port': PORTS[part], 'replication_ip': '127.0.0.1', 'replication_port': PORTS[part]})
    builder.rebalance()
    builder.get_ring().save(os.path.join(FOLDER, part + '.ring.gz'))
eventlet.hubs.use_hub(utils.get_hub())
for part in ('account', 'container', 'object'):
    serve(part, STORAGE % part)
serve('proxy', PROXY)
print('ready', flush=True)
while True:
    eventlet.sleep(3600)
