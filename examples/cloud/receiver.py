#!/usr/bin/env python3
"""The other side of docs/cloud-sync.md: takes records of boxes and keeps each once, in SQLite, and gives them configuration.

    receiver.py --database FILE --port PORT [--token TOKEN] [--certificate FILE --key FILE [--clients FILE]]
                [--configuration FOLDER --signing-key FILE [--max-age SECONDS]]

With a certificate it speaks TLS; with `--clients` only to boxes whose certificate one of those has signed. The configuration
of a box is FOLDER/<appliance_id>.json; it is signed as it is, by OpenSSL 3, with a private key of `openssl genpkey -algorithm
ed25519`.
"""

import argparse
import base64
import gzip
import hashlib
import json
import pathlib
import re
import sqlite3
import ssl
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = re.compile(r"^/v1\.0/appliances/([0-9a-f-]{36})/records$")
CONFIGURATION = re.compile(r"^/v1\.0/appliances/([0-9a-f-]{36})/configuration$")
LONGEST = 16 << 20

TABLES = """
CREATE TABLE IF NOT EXISTS record (
    key TEXT PRIMARY KEY, appliance_id TEXT NOT NULL, seq INTEGER NOT NULL,
    class TEXT NOT NULL, type TEXT NOT NULL, tm TEXT NOT NULL, data TEXT NOT NULL,
    tm_corrected TEXT, boot_id TEXT, uptime_us INTEGER
);
CREATE TABLE IF NOT EXISTS appliance (id TEXT PRIMARY KEY, cursor INTEGER NOT NULL);
-- Which box has asked for its configuration, and what it was answered.
CREATE TABLE IF NOT EXISTS pull (appliance_id TEXT NOT NULL, etag TEXT, status INTEGER NOT NULL);
"""


class Store:
    """What was received: one connection, one request at a time."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.database = sqlite3.connect(path, check_same_thread=False)
        self.database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + TABLES)

    def take(self, appliance, body):
        """Keeps what is new, all of it or nothing, and says up to where everything is there."""
        with self.lock, self.database as database:
            row = database.execute("SELECT cursor FROM appliance WHERE id = ?", (appliance,)).fetchone()
            cursor = row[0] if row else 0
            if body["first"] > cursor + 1:
                # Something before it never came: the box is told from where on.
                return cursor
            rows = [
                (one["key"], appliance, one["seq"], one["class"], one["type"], one["tm"], json.dumps(one["data"]))
                + (one.get("tm_corrected"), one.get("boot_id"), one.get("uptime_us"))
                for one in body["records"]
            ]
            database.executemany("INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            cursor = max(cursor, body["last"])
            database.execute("INSERT OR REPLACE INTO appliance VALUES (?, ?)", (appliance, cursor))
            return cursor


    def pulled(self, appliance, etag, status):
        with self.lock, self.database as database:
            database.execute("INSERT INTO pull VALUES (?, ?, ?)", (appliance, etag, status))


def sign(octets, key):
    with tempfile.NamedTemporaryFile() as file:
        file.write(octets)
        file.flush()
        command = ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", file.name]
        signed = subprocess.run(command, check=True, capture_output=True)
    return "ed25519=" + base64.b64encode(signed.stdout).decode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        found = PATH.match(self.path)
        if length > LONGEST:
            return self.answer(413, {"error": "too long"})
        octets = self.rfile.read(length)
        if not found:
            return self.answer(404, {"error": "no such path"})
        token = self.server.token
        if token and self.headers.get("Authorization") != f"Bearer {token}":
            return self.answer(401, {"error": "who is it?"})
        try:
            if self.headers.get("Content-Encoding") == "gzip":
                octets = gzip.decompress(octets)
            cursor = self.server.store.take(found[1], json.loads(octets))
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            return self.answer(400, {"error": str(error)})
        self.answer(200, {"cursor": cursor})

    def do_GET(self):
        found = CONFIGURATION.match(self.path)
        given = self.server.given
        if not found or not given.configuration:
            return self.answer(404, {"error": "no such path"})
        if given.token and self.headers.get("Authorization") != f"Bearer {given.token}":
            return self.answer(401, {"error": "who is it?"})
        headers = {"Cache-Control": f"private, max-age={given.max_age or 60}"}
        try:
            octets = pathlib.Path(given.configuration, f"{found[1]}.json").read_bytes()
        except FileNotFoundError:
            return self.answer(404, {"error": "there is none for this box"}, headers)
        etag = f'"{hashlib.sha256(octets).hexdigest()[:32]}"'
        headers["ETag"] = etag
        known = self.headers.get("If-None-Match") == etag
        self.server.store.pulled(found[1], etag, 304 if known else 200)
        if known:
            return self.send(304, b"", headers)
        self.send(200, octets, {**headers, "X-Tandem-Signature": sign(octets, given.signing_key)})

    def answer(self, status, body, headers={}):
        self.send(status, json.dumps(body).encode(), headers)

    def send(self, status, octets, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        # A box that hangs up is no news.
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["--database", "--host", "--port", "--token", "--certificate", "--key", "--clients"]:
        parser.add_argument(name)
    for name in ["--configuration", "--signing-key", "--max-age"]:
        parser.add_argument(name)
    given = parser.parse_args()
    server = Server((given.host or "127.0.0.1", int(given.port or 8443)), Handler)
    server.token = given.token
    server.given = given
    server.store = Store(given.database or "records.db")
    if given.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(given.certificate, given.key)
        if given.clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(given.clients)
        # The handshake is made in the thread of the connection, so that nobody waits for a slow one.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(f"ready on port {server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
