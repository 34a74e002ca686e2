"""The report in a real browser, headless, without network: pictures decode, nothing overflows, nothing is fetched."""

from __future__ import annotations

import html
import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

import report_runs

from topforge import report

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no browser on PATH: none of %s" % ", ".join(NAMES))

PROBE = """<script>
addEventListener("load", () => setTimeout(() => {
  const wide = document.documentElement.clientWidth;
  const scrolls = e => { for (; e; e = e.parentElement) if (getComputedStyle(e).overflowX === "auto") return true; };
  const out = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > wide + 1);
  document.title = JSON.stringify({
    images: [...document.images].map(i => i.naturalWidth),
    scroll: document.documentElement.scrollWidth - wide,
    outside: out.filter(e => !scrolls(e) && !e.closest("svg")).map(e => e.outerHTML.slice(0, 200)),
    ground: getComputedStyle(document.body).backgroundColor,
  });
}, 50));
</script></head>"""
"""Measures the page from inside; tests put it in, and take out the policy that would forbid it."""


def browse(page, scratch, *flags):
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--proxy-server=127.0.0.1:9"]
    command += ["--user-data-dir=%s" % (scratch / "profile"), *flags, page if "://" in str(page) else page.as_uri()]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120, check=True).stdout


def measured(page, scratch, width, *flags):
    source = page.read_text(encoding="utf-8")
    probed = scratch / "probed.html"
    probed.write_text(re.sub(r"<meta http-equiv[^>]*>", "", source).replace("</head>", PROBE), encoding="utf-8")
    output = browse(probed, scratch, "--dump-dom", "--window-size=%d,900" % width, "--virtual-time-budget=3000", *flags)
    return json.loads(html.unescape(re.search(r"<title>(.*?)</title>", output.decode("utf-8")).group(1)))


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of each kind, with names longer than any column."""
    folder = tmp_path_factory.mktemp("runs")
    long = "a-rather-long-name-of-a-run-" * 4
    views = [("view_%02d" % index) * 4 for index in range(9)]
    labels = (("learning_rate", "0.0300000000000001"), ("initial_shape", "hull"))
    done = report_runs.finished(folder / "done", long, view_names=views, labels=labels, dataset="/captures/" + long)
    other = report_runs.finished(folder / "other", long + "2", 31.0, view_names=views, labels=labels)
    sad = report_runs.item(folder / "sad", long)
    report_runs.failed(sad, "It broke: %s." % long, "Mend it.", "a log line without end " * 200 + "x" * 3000)
    found = {name: report.write(paths.run) for name, paths in (("done", done), ("sad", sad))}
    found["comparison"] = report.write_comparison([done.run, other.run, sad.run], folder / "comparison.html")
    return found


@pytest.mark.parametrize("width", [1280, 800, 400])
@pytest.mark.parametrize("name", ["done", "sad", "comparison"])
def test_pictures_decode_and_nothing_overflows(pages, tmp_path, name, width):
    found = measured(pages[name], tmp_path, width)
    assert all(found["images"])
    assert bool(found["images"]) == (name != "sad")
    assert found["scroll"] <= 0
    assert found["outside"] == []


def test_the_measurement_would_notice(pages, tmp_path):
    """An overflowing element and a broken picture are seen, so their absence means something."""
    source = pages["sad"].read_text(encoding="utf-8")
    bad = '<img src="missing.png" alt="x"><div style="width: 3000px">x</div></body>'
    page = tmp_path / "bad.html"
    page.write_text(source.replace("</body>", bad), encoding="utf-8")
    found = measured(page, tmp_path, 1280)
    assert found["images"] == [0]
    assert found["scroll"] > 0
    assert found["outside"]


def test_dark_and_light_are_both_there(pages, tmp_path):
    light = measured(pages["done"], tmp_path, 1280, "--blink-settings=preferredColorScheme=1")["ground"]
    dark = measured(pages["done"], tmp_path, 1280, "--blink-settings=preferredColorScheme=0")["ground"]
    brightness = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (light, dark)]
    assert brightness[0] > 700
    assert brightness[1] < 100


def test_it_prints_on_a_few_a4_pages(pages, tmp_path):
    output = tmp_path / "page.pdf"
    browse(pages["done"], tmp_path, "--no-pdf-header-footer", "--print-to-pdf=%s" % output)
    content = output.read_bytes()
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content)
    assert 3 <= len(boxes) <= 9
    assert {(round(float(w)), round(float(h))) for w, h in boxes} == {(595, 842)} or {
        (round(float(w) / 10), round(float(h) / 10)) for w, h in boxes
    } == {(60, 84)}


def requests_of(content, scratch):
    """The paths a browser asks a server for that answers everything with `content`."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = "http://127.0.0.1:%d/report.html" % server.server_address[1]
        browse(url, scratch, "--proxy-bypass-list=<-loopback>;127.0.0.1", "--screenshot=%s" % (scratch / "shot.png"))
    finally:
        server.shutdown()
        server.server_close()
    return set(asked) - {"/favicon.ico"}


def test_a_server_is_asked_for_the_page_and_for_nothing_else(pages, tmp_path):
    content = pages["done"].read_bytes()
    assert requests_of(content, tmp_path) == {"/report.html"}
    leaky = re.sub(rb"<meta http-equiv[^>]*>", b"", content).replace(b"</body>", b'<img src="x.png"></body>')
    assert requests_of(leaky, tmp_path) == {"/report.html", "/x.png"}, "this test would not notice a request"
    guarded = content.replace(b"</body>", b'<img src="x.png"></body>')
    assert requests_of(guarded, tmp_path) == {"/report.html"}, "the page's own policy does not hold"
