"""The real configuration in a real nginx, in front of a real `tidewatch demo`."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from parts import DEPLOY, answers, find, free_port, run, tidewatch, wait_until

DOMAIN = "tidewatch.test"


class Nginx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        nginx, openssl = find("nginx", "/usr/sbin/nginx"), find("openssl")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.folder.chmod(0o755)
        cls.http, cls.https, cls.back = free_port(), free_port(), free_port()
        (cls.folder / "acme/.well-known/acme-challenge").mkdir(parents=True)
        (cls.folder / "acme/.well-known/acme-challenge/token").write_text("answer")
        run(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}",
            "-keyout", cls.folder / "privkey.pem", "-out", cls.folder / "fullchain.pem")
        cls.configured = {}
        for kind in ("tidewatch", "waiting"):
            text = run(DEPLOY / "nginx/render", kind, env={
                "DOMAIN_NAME": DOMAIN, "TIDEWATCH_UPSTREAM": f"127.0.0.1:{cls.back}", "CERTIFICATE_DIR": str(cls.folder),
                "ACME_ROOT": str(cls.folder / "acme"), "HTTP_PORT": f"127.0.0.1:{cls.http}",
                "HTTPS_PORT": f"127.0.0.1:{cls.https}", "IPV6": "no"})[1]
            cls.configured[kind] = cls.folder / f"{kind}.conf"
            cls.configured[kind].write_text(
                f"pid {cls.folder}/nginx.pid; error_log {cls.folder}/error.log; daemon off; events {{}}\n"
                f"http {{ access_log off; client_body_temp_path {cls.folder}/b; proxy_temp_path {cls.folder}/p;"
                f" fastcgi_temp_path {cls.folder}/f; uwsgi_temp_path {cls.folder}/u; scgi_temp_path {cls.folder}/s;\n{text}\n}}\n")
            run(nginx, "-t", "-q", "-p", cls.folder, "-c", cls.configured[kind])
        env = {**os.environ, "TIDEWATCH_SERVER__TRUSTED_PROXIES": "127.0.0.1/32"}
        cls.start([tidewatch(), "demo", "--listen", f"127.0.0.1:{cls.back}", "--data-dir", str(cls.folder / "data"),
                   "--targets", "2", "--keys", "3", "--speed", "3600"], env, "demo")
        cls.start([nginx, "-p", str(cls.folder), "-c", str(cls.configured["tidewatch"])], os.environ, "nginx")
        wait_until(lambda: answers(f"http://127.0.0.1:{cls.back}/ready"), "tidewatch demo")
        wait_until(lambda: answers(f"http://127.0.0.1:{cls.http}/.well-known/acme-challenge/token"), "nginx")

    @classmethod
    def start(cls, command, env, name):
        log = open(cls.folder / f"{name}.log", "wb")
        child = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=cls.folder)

        def stop():
            child.terminate()
            child.wait(40)
            log.close()

        cls.addClassCleanup(stop)

    def ask(self, path, method="GET", headers=None, body=None):
        """Asks nginx over TLS; gives (status, headers, body)."""
        trust = ssl.create_default_context(cafile=self.folder / "fullchain.pem")
        tls = Tls(self.https, trust)
        tls.request(method, path, body, {"Host": DOMAIN, **(headers or {})})
        got = tls.getresponse()
        answer = got.status, got.headers, got.read()
        tls.close()
        return answer

    def direct(self, path, headers=None):
        """Asks the program itself."""
        plain = http.client.HTTPConnection("127.0.0.1", self.back, timeout=5)
        plain.request("GET", path, headers=headers or {})
        got = plain.getresponse()
        answer = got.status, got.read()
        plain.close()
        return answer

    def test_the_page_and_the_api_pass_with_hsts_once(self):
        for path in ("/", "/health", "/api/v1/leaderboard?type=hot&hours=24"):
            status, headers, _ = self.ask(path)
            self.assertEqual(status, 200, path)
            self.assertEqual(headers.get_all("Strict-Transport-Security"), ["max-age=31536000"], path)
            self.assertNotIn("/", headers.get("Server", ""), "no version")

    def test_figures_and_administration_are_closed(self):
        self.assertEqual(self.direct("/metrics")[0], 200, "open on the machine itself")
        self.assertNotEqual(self.direct("/api/v1/admin/import")[0], 404, "there is such a route")
        closed = ["/metrics", "//metrics", "/./metrics", "/x/../metrics", "/%6detrics", "/metrics?x=1", "/metrics/",
                  "/api/v1/admin/import", "/api/v1/admin/archive/daily", "/api/v1/%61dmin/import", "/api//v1/admin/import"]
        for path in closed:
            for method in ("GET", "POST"):
                status, headers, body = self.ask(path, method)
                self.assertEqual(status, 404, f"{method} {path}")
                self.assertIn(b"nginx", body, f"{method} {path} got through to the program")
                self.assertIn("Strict-Transport-Security", headers)

    def test_a_client_cannot_say_that_it_is_somebody_else(self):
        for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}):
            self.assertEqual(self.ask("/metrics", headers=headers)[0], 404)
        # The program sees nginx' word, here loopback; a foreign word through an untrusted way is not believed.
        self.assertEqual(self.direct("/metrics", {"X-Forwarded-For": "203.0.113.9"})[0], 401)

    def test_events_come_one_by_one(self):
        trust = ssl.create_default_context(cafile=self.folder / "fullchain.pem")
        tls = Tls(self.https, trust)
        tls.request("GET", "/api/v1/events", headers={"Host": DOMAIN})
        got = tls.getresponse()
        self.assertEqual(got.status, 200)
        self.assertEqual(got.headers["Content-Type"], "text/event-stream")
        begun = time.monotonic()
        first = got.readline()
        self.assertTrue(first.startswith((b"retry:", b":")), first)
        self.assertLess(time.monotonic() - begun, 2, "the first line was held back")
        seen = b""
        while b"event: crawl" not in seen:
            self.assertLess(time.monotonic() - begun, 20, "no event of a crawl came through")
            seen = got.readline()
        tls.close()

    def test_plain_http_leads_to_tls(self):
        plain = http.client.HTTPConnection("127.0.0.1", self.http, timeout=5)
        plain.request("GET", "/a?b=c", headers={"Host": DOMAIN})
        got = plain.getresponse()
        self.assertEqual((got.status, got.headers["Location"]), (308, f"https://{DOMAIN}/a?b=c"))
        plain.close()

    def test_another_name_gets_no_certificate(self):
        trust = ssl.create_default_context(cafile=self.folder / "fullchain.pem")
        with self.assertRaises(ssl.SSLError):
            Tls(self.https, trust, name="other.test").request("GET", "/")

    def test_bodies_have_an_end(self):
        status, _, _ = self.ask("/api/v1/ips", "POST", {"Content-Length": str(11 * 1024 * 1024)})
        self.assertEqual(status, 413)


class Tls(http.client.HTTPSConnection):
    """A connection to loopback that asks for a name."""

    def __init__(self, port, trust, name=DOMAIN):
        super().__init__("127.0.0.1", port, timeout=20, context=trust)
        self.name = name

    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self.name)


class Render(unittest.TestCase):
    def test_a_name_that_is_none_is_refused(self):
        for name in ("", "a b", "a;", "a|b"):
            self.assertEqual(run(DEPLOY / "nginx/render", ok=False, env={"DOMAIN_NAME": name})[0], 2)

    def test_nothing_is_left_to_fill_in(self):
        for kind in ("tidewatch", "waiting"):
            text = run(DEPLOY / "nginx/render", kind, env={"DOMAIN_NAME": "a.example"})[1]
            self.assertNotRegex(text, "@[A-Z]+@")
            self.assertIn("listen [::]:80;", text)


class FirstCertificate(unittest.TestCase):
    """What the container runs: `deploy/nginx/start`, with nginx kept in a directory of the test."""

    def test_it_waits_for_the_first_certificate_and_takes_it_up(self):
        nginx, openssl = find("nginx", "/usr/sbin/nginx"), find("openssl")
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        folder = Path(holder.name)
        folder.chmod(0o755)
        plain, tls = free_port(), free_port()
        (folder / "acme/.well-known/acme-challenge").mkdir(parents=True)
        (folder / "acme/.well-known/acme-challenge/token").write_text("answer")
        (folder / "live").mkdir()
        (folder / "nginx.conf").write_text(
            f"pid {folder}/pid; error_log {folder}/error.log; events {{}}\nhttp {{ access_log off;"
            f" client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;"
            f" uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; include {folder}/site.conf; }}\n")
        (folder / "bin").mkdir()
        (folder / "bin/nginx").write_text(f'#!/bin/sh\nexec {nginx} -p {folder} -c {folder}/nginx.conf "$@"\n')
        (folder / "bin/nginx").chmod(0o755)
        with open(folder / "log", "wb") as log:
            child = subprocess.Popen(["sh", DEPLOY / "nginx/start"], stdout=log, stderr=log, start_new_session=True, env={
                **os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "DOMAIN_NAME": DOMAIN, "CONF": f"{folder}/site.conf",
                "CERTIFICATE_DIR": f"{folder}/live", "ACME_ROOT": f"{folder}/acme", "HTTP_PORT": f"127.0.0.1:{plain}",
                "HTTPS_PORT": f"127.0.0.1:{tls}", "IPV6": "no", "PAUSE": "0.1"})
        self.addCleanup(child.wait, 20)
        self.addCleanup(lambda: os.killpg(child.pid, signal.SIGTERM))
        wait_until(lambda: answers(f"http://127.0.0.1:{plain}/.well-known/acme-challenge/token"), "nginx without a certificate", 10)

        for name in ("first", "second"):
            run(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", f"/CN={DOMAIN}/O={name}", "-addext", f"subjectAltName=DNS:{DOMAIN}",
                "-keyout", folder / "live/privkey.pem", "-out", folder / "new.pem")
            (folder / "new.pem").rename(folder / "live/fullchain.pem")
            wait_until(lambda: self.shown(tls) == (folder / "live/fullchain.pem").read_text().strip(), f"the {name} certificate", 10)

    @staticmethod
    def shown(port):
        """The certificate that nginx shows, or nothing."""
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with socket.create_connection(("127.0.0.1", port), 2) as raw, context.wrap_socket(raw, server_hostname=DOMAIN) as tls:
                return ssl.DER_cert_to_PEM_cert(tls.getpeercert(True)).strip()
        except OSError:
            return None
