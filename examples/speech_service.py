#!/usr/bin/env python3
"""A speech service of your own: flite on another machine, in the shape of OpenAI's /v1/audio/speech.

    SPEECH_KEY=secret speech_service.py [--address ADDR] [--port PORT] [--voice VOICE] [--wait SECONDS]
    tandem --speech-url http://ADDR:PORT/v1/audio/speech --speech-voice rms …    (TANDEM_SPEECH_KEY=secret, once)

Another program than flite takes three lines. It says where it listens, and what it was asked.
"""

import argparse
import hmac
import json
import os
import subprocess
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MOST = 64 << 10


def speak(text, voice):
    """The text as a WAV file."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        command = ["flite", "-voice", voice, "-t", text, "-o", file.name]
        subprocess.run(command, check=True, timeout=30, stdin=subprocess.DEVNULL)
        return file.read()


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, MOST))
        given = self.headers.get("Authorization", "")
        if self.path != "/v1/audio/speech":
            return self.refuse(404, "there is only /v1/audio/speech")
        if not hmac.compare_digest(given, f"Bearer {self.server.key}"):
            return self.refuse(401, "this is not the key")
        try:
            asked = json.loads(body)
            text, voice = str(asked["input"]), str(asked.get("voice") or self.server.options.voice)
        except (ValueError, KeyError, TypeError):
            return self.refuse(400, "input: missing")
        if asked.get("response_format", "wav") != "wav" or not voice.isalnum():
            return self.refuse(400, "only wav is spoken, by a voice of flite")
        time.sleep(self.server.options.wait)
        try:
            sound = speak(text, voice)
        except (subprocess.SubprocessError, OSError) as error:
            return self.refuse(500, f"it cannot be spoken: {error}")
        print(f"spoken by {voice}: {text}", flush=True)
        self.answer(200, "audio/wav", sound)

    def refuse(self, status, why):
        print(f"refused: {why}", flush=True)
        self.answer(status, "application/json", json.dumps({"error": {"message": why}}).encode())

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--voice", default="slt")
    parser.add_argument("--wait", type=float, default=0, help="seconds to think before it speaks")
    options = parser.parse_args()
    server = ThreadingHTTPServer((options.address, options.port), Service)
    server.options, server.key = options, os.environ["SPEECH_KEY"]
    print(f"listening on {options.address}:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
