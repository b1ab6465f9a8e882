"""A TCP port in front of PostgreSQL's socket, where the network fails as it is told to."""
import collections
import contextlib
import selectors
import socket
import struct
import threading
import time

# NOTICED_S: when the system of a server notices that a client at the end of a silent network is gone, by the keepalives that the
# service asks for.
PIECE_BYTES, TURN_S, NOTICED_S = 65536, 0.01, 6


class _Link:
    """One session: what came from either side and is to go to the other. stuck: nothing passes any more, and nobody is told."""

    def __init__(self, client, server):
        self.ends = (client, server)
        self.waiting = (collections.deque(), collections.deque())  # of (when due, bytes), from the client and from the server
        self.stuck_at, self.mute = None, False

    @property
    def stuck(self):
        return self.stuck_at is not None


class Proxy(threading.Thread):
    """url leads through it. Modes, each until the next: `pass`; `cut` (sessions end, new ones are closed at once); `delay` (each
    piece comes delay_s later); `stuck` (no byte of the sessions there are passes ever again, their ends are told to neither side
    until NOTICED_S later, and new ones wait); `mute` (what the
    server says is kept back, what it is told is not). reset() ends all sessions by RST, whatever the mode. n_lost counts the sessions that
    ended with something the server had said kept back."""

    def __init__(self, socket_path, database):
        super().__init__(daemon=True)
        self.path, self.mode, self.delay_s, self._is_reset, self._is_over = socket_path, "pass", 0.2, False, False
        self._lock, self._links, self._selector = threading.Lock(), [], selectors.DefaultSelector()
        self.n_lost, self._n_reset = 0, 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.setblocking(False)
        self.url = f"postgresql://tracekin@127.0.0.1:{self._listener.getsockname()[1]}/{database}?sslmode=disable"
        self.start()

    def set(self, mode):
        with self._lock:
            for link in self._links:
                link.stuck_at = time.monotonic() if mode == "stuck" and not link.stuck else link.stuck_at
                link.mute = link.mute or mode == "mute"
            self.mode = mode

    def reset(self):
        """How many sessions there were."""
        self._is_reset = True
        while self._is_reset:
            time.sleep(TURN_S)
        return self._n_reset

    def stop(self):
        self._is_over = True
        self.join()

    def run(self):
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        while not self._is_over:
            ready = self._selector.select(TURN_S)
            with self._lock:
                if self._is_reset or self.mode == "cut":
                    self._n_reset = len(self._links)
                    for link in list(self._links):
                        self._end(link, by_reset=self._is_reset)
                    self._is_reset = False
                for key, _ in ready:
                    if key.data is None:
                        self._accept()
                    elif key.data[0] in self._links:
                        self._read(*key.data)
                for link in list(self._links):
                    self._pass(link)
        for link in list(self._links):
            self._end(link)
        self._listener.close()
        self._selector.close()

    def _accept(self):
        if self.mode == "stuck":
            time.sleep(TURN_S)
            return
        client, _ = self._listener.accept()
        server = socket.socket(socket.AF_UNIX)
        try:
            if self.mode == "cut":
                raise ConnectionError
            server.connect(self.path)
        except OSError:
            client.close()
            server.close()
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = _Link(client, server)
        link.mute = self.mode == "mute"
        self._links.append(link)
        for side, end in enumerate(link.ends):
            end.setblocking(False)
            self._selector.register(end, selectors.EVENT_READ, (link, side))

    def _read(self, link, side):
        try:
            piece = link.ends[side].recv(PIECE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if link.stuck and not piece:
            self._selector.unregister(link.ends[side])
        elif not piece:
            self._end(link)
        elif not link.stuck:
            link.waiting[side].append((time.monotonic() + (self.delay_s if self.mode == "delay" else 0), piece))

    def _pass(self, link):
        if link.stuck and time.monotonic() > link.stuck_at + NOTICED_S:
            self._end(link)
            return
        for side, waiting in enumerate(link.waiting):
            if side == 1 and link.mute or link.stuck:
                continue
            while waiting and waiting[0][0] <= time.monotonic():
                due, piece = waiting.popleft()
                try:
                    n = link.ends[1 - side].send(piece)
                except BlockingIOError:
                    n = 0
                except OSError:
                    self._end(link)
                    return
                if n < len(piece):
                    waiting.appendleft((due, piece[n:]))
                    break

    def _end(self, link, by_reset=False):
        self._links.remove(link)
        self.n_lost += link.mute and len(link.waiting[1]) > 0
        for end in link.ends:
            with contextlib.suppress(KeyError):
                self._selector.unregister(end)
        if by_reset:
            link.ends[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for end in link.ends:
            end.close()
