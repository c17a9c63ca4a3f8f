"""A store of objects that speaks as much of S3 as an upload needs."""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

STARTED = (
    b"<InitiateMultipartUploadResult>"
    b"<Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId>"
    b"</InitiateMultipartUploadResult>"
)
ENDED = b'<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>'


class FakeStore(ThreadingHTTPServer):
    """Objects by path; with ``refuses`` no upload is taken."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = defaultdict(dict)
        self.refuses = False

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which clients find it."""
        return {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "region",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server_port}",
            "AWS_ALLOW_HTTP": "true",
        }


class _Handler(BaseHTTPRequestHandler):
    server: FakeStore

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("ETag", '"e"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def received(self) -> tuple[str, str, bytes]:
        path, _, query = self.path.partition("?")
        return path, query, self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_PUT(self) -> None:
        path, query, body = self.received()
        if self.server.refuses:
            self.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return
        if part := re.search(r"partNumber=(\d+)", query):
            self.server.uploads[path][int(part[1])] = body
        else:
            self.server.objects[path] = body
        self.answer(200)

    def do_POST(self) -> None:
        path, query, _ = self.received()
        if query.startswith("uploads"):
            self.answer(200, STARTED)
            return
        parts = self.server.uploads.pop(path)
        self.server.objects[path] = b"".join(parts[number] for number in sorted(parts))
        self.answer(200, ENDED)

    def do_DELETE(self) -> None:
        self.answer(204)


@contextmanager
def fake_store() -> Iterator[FakeStore]:
    """A store that runs while the context does."""
    with FakeStore() as store:
        thread = Thread(target=store.serve_forever)
        thread.start()
        try:
            yield store
        finally:
            store.shutdown()
            thread.join()
