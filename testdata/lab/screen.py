#!/usr/bin/python3
"""Looks at a guest's screen as a browser with noVNC does: through Nova's proxy,
by the address that the API gave out.

screen.py URL [PASSWORD]

prints what it saw as JSON: {"name": ..., "width": ..., "height": ...,
"colours": ...}. A screen with one colour shows nothing.
"""
import json
import os
import struct
import sys
import time
import urllib.parse

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from websockify.websocket import WebSocket, WebSocketWantReadError

RAW, VNC_AUTH, NO_AUTH = 0, 2, 1


class Proxied(WebSocket):
    """The library forgets the query, and with it the token; and it makes the
    mask of what a client sends of a number and bytes, which fails."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def _queue_str(self, text):
        if text.startswith("GET "):
            text = "GET %s HTTP/1.1\r\n" % self.path
        super()._queue_str(text)

    def _sendmsg(self, opcode, msg):
        return self._send(self._encode_hybi(opcode, msg, os.urandom(4)))


class Screen:
    def __init__(self, url, password):
        """The page at url connects to the path in its query, or to /?token."""
        page = urllib.parse.urlparse(url)
        query = urllib.parse.parse_qs(page.query)
        path = query["path"][0] if "path" in query else "?" + page.query
        self.socket = Proxied("/" + path)
        self.socket.connect("ws://%s/" % page.netloc, protocols=["binary"])
        self.socket.settimeout(30)
        self.password = password
        self.buffer = b""

    def read(self, count):
        deadline = time.monotonic() + 180
        while len(self.buffer) < count:
            if time.monotonic() > deadline:
                sys.exit("the screen says no more after %d bytes" % len(self.buffer))
            try:
                got = self.socket.recv()
            except WebSocketWantReadError:
                continue
            if got is None:
                sys.exit("the proxy has closed the connection")
            self.buffer += got
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def number(self, form):
        return struct.unpack(form, self.read(struct.calcsize(form)))[0]

    def login(self):
        version = self.read(12)
        if not version.startswith(b"RFB 003."):
            sys.exit("this is not a screen: %r" % version)
        self.socket.send(b"RFB 003.008\n")
        kinds = self.read(self.number(">B"))
        if self.password and VNC_AUTH in kinds:
            self.socket.send(bytes([VNC_AUTH]))
            self.socket.send(self.answer(self.read(16)))
        elif NO_AUTH in kinds:
            self.socket.send(bytes([NO_AUTH]))
        else:
            sys.exit("the screen wants a password: security types %s" % list(kinds))
        if self.number(">I") != 0:
            sys.exit("the screen lets nobody in")
        self.socket.send(b"\1")  # others may look, too

    def answer(self, challenge):
        """DES with the bits of each byte of the password turned round."""
        key = bytes(int("{:08b}".format(b)[::-1], 2) for b in self.password.encode()[:8].ljust(8, b"\0"))
        des = Cipher(algorithms.TripleDES(key * 3), modes.ECB()).encryptor()
        return des.update(challenge) + des.finalize()

    def look(self):
        self.login()
        width, height = self.number(">H"), self.number(">H")
        self.read(16)
        name = self.read(self.number(">I")).decode()
        self.socket.send(struct.pack(">B3xBBBBHHHBBB3x", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.socket.send(struct.pack(">BxHi", 2, 1, RAW))
        self.socket.send(struct.pack(">BBHHHH", 3, 0, 0, 0, width, height))
        colours, seen = set(), 0
        while seen < width * height:
            colours, seen = self.update(colours, seen)
        return {"name": name, "width": width, "height": height, "colours": len(colours)}

    def update(self, colours, seen):
        if self.number(">B") != 0:
            sys.exit("the screen says something else than what it shows")
        self.read(1)
        for _ in range(self.number(">H")):
            _, _, width, height, encoding = struct.unpack(">HHHHi", self.read(12))
            if encoding != RAW:
                sys.exit("encoding %d was not asked for" % encoding)
            pixels = self.read(width * height * 4)
            colours |= {pixels[i:i + 3] for i in range(0, len(pixels), 4)}
            seen += width * height
        return colours, seen


print(json.dumps(Screen(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "").look()))
