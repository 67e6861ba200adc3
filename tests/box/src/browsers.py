"""Browsers without a window: aiortc's WebRTC, and just enough SIP to call a number by it.

    browsers.py SIP_ADDRESS SIP_PORT NUMBER FIRST COUNT SECONDS

Browser N is the extension 2000+N with its usual password, and plays a tone of 300+100*N hertz. COUNT of them, from FIRST on, call the number, all at
once, and says in a line of JSON how much of what it heard was its own tone, and how long that took to come.
"""

import asyncio
import hashlib
import json
import math
import re
import struct
import sys
import time
from fractions import Fraction

from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

RATE = 48_000
SAMPLES = RATE // 50


class Tone(MediaStreamTrack):
    """A sine wave, in real time."""

    kind = "audio"

    def __init__(self, pitch):
        super().__init__()
        self.sent, self.start = 0, None
        # Pitches are whole times 20 Hz: this much of them is the same again and again.
        wave = [int(8_000 * math.sin(2 * math.pi * pitch * n / RATE)) for n in range(RATE // 20)]
        self.wave = struct.pack(f"<{2 * len(wave)}h", *wave, *wave)

    async def recv(self):
        self.start = self.start or time.monotonic()
        await asyncio.sleep(max(0, self.start + self.sent / RATE - time.monotonic()))
        frame = AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        begin = 2 * (self.sent % (RATE // 20))
        frame.planes[0].update(self.wave[begin : begin + 2 * SAMPLES])
        frame.pts, frame.sample_rate, frame.time_base = self.sent, RATE, Fraction(1, RATE)
        self.sent += SAMPLES
        return frame


class Line(asyncio.DatagramProtocol):
    """One dialog at a time, over UDP."""

    def __init__(self, server, extension):
        self.server, self.extension = server, extension
        self.answers, self.cseq, self.call = asyncio.Queue(), 0, f"{extension}-{time.time_ns()}"

    def connection_made(self, transport):
        self.transport = transport
        self.local = "%s:%d" % transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data, _):
        text = data.decode()
        if text.startswith("SIP/2.0"):
            self.answers.put_nowait(text)

    def send(self, method, uri, more="", body="", cseq=None):
        branch = f"z9hG4bK{time.time_ns()}"
        self.transport.sendto(
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {self.local};branch={branch}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{self.extension}@tandem>;tag=f{self.extension}\r\nTo: {self.to}\r\nCall-ID: {self.call}\r\n"
            f"CSeq: {cseq or self.cseq} {method}\r\nContact: <sip:{self.extension}@{self.local}>\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode(),
            self.server,
        )

    async def final(self):
        while True:
            answer = await asyncio.wait_for(self.answers.get(), 15)
            if not answer.startswith("SIP/2.0 1"):
                self.to = re.search(r"^To: (.*)\r$", answer, re.M)[1]
                return answer

    async def invite(self, number, offer):
        uri = f"sip:{number}@{self.server[0]}:{self.server[1]}"
        self.to, proof = f"<{uri}>", ""
        for _ in range(2):
            self.cseq += 1
            self.send("INVITE", uri, proof + "Content-Type: application/sdp\r\n", offer)
            answer = await self.final()
            self.send("ACK", uri)
            if not answer.startswith("SIP/2.0 401"):
                break
            self.to, proof = f"<{uri}>", self.prove(uri, answer)
        if not answer.startswith("SIP/2.0 200"):
            raise RuntimeError(answer)
        self.peer = re.search(r"^Contact: <(.*?)>", answer, re.M)[1]
        return answer.split("\r\n\r\n", 1)[1]

    def prove(self, uri, challenge):
        realm, nonce = (re.search(f'{name}="(.*?)"', challenge)[1] for name in ("realm", "nonce"))
        h = lambda text: hashlib.md5(text.encode()).hexdigest()
        one = h(f"{self.extension}:{realm}:secret{self.extension}")
        proof = h(f"{one}:{nonce}:00000001:c:auth:{h('INVITE:' + uri)}")
        return (
            f'Authorization: Digest username="{self.extension}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{proof}", algorithm=MD5, cnonce="c", qop=auth, nc=00000001\r\n'
        )

    async def bye(self):
        self.cseq += 1
        self.send("BYE", self.peer)
        return await self.final()


def share(samples, rate, pitch):
    """How much of the power is at the pitch. In 20 ms those 100 Hz away do not count, and a gap before does not matter."""
    total = sum(s * s for s in samples) or 1
    at = 2 * math.pi * pitch / rate
    i = sum(s * math.cos(at * n) for n, s in enumerate(samples))
    q = sum(s * math.sin(at * n) for n, s in enumerate(samples))
    return 2 * (i * i + q * q) / len(samples) / total


def middle(numbers):
    return round(sorted(numbers)[len(numbers) // 2], 3) if numbers else 0


async def browse(server, number, place, seconds):
    extension, pitch = 2000 + place, 300 + 100 * place
    loop = asyncio.get_running_loop()
    _, line = await loop.create_datagram_endpoint(lambda: Line(server, extension), local_addr=(server[0], 0))
    pc = RTCPeerConnection()
    sender = pc.addTrack(Tone(pitch))
    # To encode Opus for each of twenty takes more than a test may have.
    wanted = "audio/opus" if place % 5 == 0 else "audio/PCMU"
    codecs = RTCRtpSender.getCapabilities("audio").codecs
    transceiver = next(other for other in pc.getTransceivers() if other.sender == sender)
    transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == wanted])
    heard, first = [], None

    @pc.on("track")
    def on_track(track):
        async def listen():
            nonlocal first
            while True:
                try:
                    frame = await track.recv()
                except MediaStreamError:
                    return
                channels = len(frame.layout.channels)
                octets = bytes(frame.planes[0])[: 2 * frame.samples * channels]
                mono = struct.unpack(f"<{frame.samples * channels}h", octets)[::channels]
                if first is None and max(map(abs, mono)) > 500:
                    first = time.monotonic()
                heard.append((frame.sample_rate, mono))

        asyncio.ensure_future(listen())

    await pc.setLocalDescription(await pc.createOffer())
    begun = time.monotonic()
    answer = await line.invite(number, pc.localDescription.sdp)
    await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await asyncio.sleep(seconds)
    tail = heard[len(heard) // 3 :]
    bye = await line.bye()
    said = {
        "extension": extension,
        "sound_ms": round(1000 * (first - begun)) if first else None,
        "state": pc.connectionState,
        "codec": re.search(r"a=rtpmap:\d+ (\S+)", answer)[1],
        "bye": bye.split("\r\n", 1)[0],
    }
    await pc.close()
    # Reckoned when all are done: it would be in the way of those who still listen.
    return lambda: {**said, "share": middle([share(piece, rate, pitch) for rate, piece in tail])}


async def main():
    server, number = (sys.argv[1], int(sys.argv[2])), sys.argv[3]
    first, count, seconds = int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6])
    browsing = (browse(server, number, place, seconds) for place in range(first, first + count))
    for said in await asyncio.gather(*browsing, return_exceptions=True):
        print(json.dumps({"error": repr(said)} if isinstance(said, Exception) else said()), flush=True)


asyncio.run(main())
