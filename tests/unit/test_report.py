"""Reports about runs in every state: what they say, that they are sound HTML, and that nothing escapes its quotes."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

import harness
import report_runs
from report_runs import HOSTILE

from topforge import cli, items, report, results
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.running import run_item
from topforge.states import Status

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Parses strictly: what is open must be closed in order; remembers what tests ask for."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.source = path.read_text(encoding="utf-8")
        self.open, self.ids, self.images, self.urls, self.headings = [], [], [], [], []
        self.tags, self.words, self.policy = set(), [], ""
        self.feed(self.source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        assert len(dict(attributes)) == len(attributes), "an attribute is there twice in <%s>" % tag
        values = dict(attributes)
        self.tags.add(tag)
        assert not [name for name in values if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "img":
            self.images.append(values)
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        self.urls += [values[name] for name in ("href", "src", "data", "action", "poster", "srcset") if name in values]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        assert self.open, "</%s> closes nothing" % tag
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


def checked(path):
    """The page, after everything that holds for all pages was seen to hold."""
    page = Page(path)
    assert page.source.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "script" not in page.tags
    assert "default-src 'none'" in page.policy
    assert len(page.ids) == len(set(page.ids))
    assert all(image.get("alt") for image in page.images)
    for url in page.urls:
        inside = url.startswith("#") and url[1:] in page.ids
        assert inside or url.startswith("data:image/") or re.fullmatch(r"[\w./%~-]+", url), url
    assert not re.search(r"url\(|@import|https?:", page.source.split("</style>")[0])
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(below - above <= 1 for above, below in zip(page.headings, page.headings[1:]))
    return page


def written(paths):
    return checked(report.write(paths.run))


def test_a_finished_run_tells_everything(tmp_path):
    page = written(report_runs.finished(tmp_path / "run", labels=(("iter", "100"),)))
    for words in (
        "ewer", "Done", "30.00 dB", "0.930", "2 000", "Held-out views", "Worst", "r_004", "26.00 dB",
        "Roughness", "Light", "Settings that differ", "texture_kd.png", "Peak signal-to-noise ratio", "Wang et al.",
        "python -m topforge_train", "node-7", "/envs/train", "SHA-256", "Apache-2.0", "attempt-1.log", "pass 2",
    ):  # fmt: skip
        assert words in page.text.replace("\u2009", " "), words
    assert page.source.count("<svg") >= 5


def test_only_settings_that_differ_are_listed_with_their_defaults(tmp_path):
    page = written(report_runs.finished(tmp_path / "run"))
    table = page.source.split('id="settings"')[1].split("<details>")[0]
    assert re.findall(r'<th scope="row"><code>(\w+)</code>', table) == ["iter", "batch"]
    assert "<code>100</code></td><td><code>5000</code>" in table
    assert "Iterations of each of the two passes" in table


def test_what_a_retry_lowered_is_told(tmp_path):
    page = written(report_runs.finished(tmp_path / "run", lowered=("batch lowered from 2 to 1 to fit into memory",)))
    assert "Batch lowered from 2 to 1 to fit into memory." in page.text
    assert "lowered from <code>2</code>" in page.source


def test_strips_show_each_chosen_view_once(tmp_path):
    few = written(report_runs.finished(tmp_path / "one", view_names=["only"]))
    assert sum("only" in image["alt"] for image in few.images) == 6
    many = written(report_runs.finished(tmp_path / "many", view_names=["v%02d" % number for number in range(30)]))
    shown = {image["alt"].split(" of ")[1][:3] for image in many.images if " of v" in image["alt"]}
    assert shown == {"v00", "v14", "v29", "v28"}


def test_a_large_texture_is_made_smaller(tmp_path):
    paths = report_runs.finished(tmp_path / "run", texture=report_runs.picture(600, 600))
    page = written(paths)
    sizes = {int(image["width"]) for image in page.images if "texture" in image["alt"]}
    assert sizes == {300}
    assert "600 × 600" in page.text


def test_a_run_without_validation_shows_its_previews(tmp_path):
    paths = report_runs.finished(tmp_path / "run", view_names=[])
    paths.previews.mkdir()
    for number in range(7):
        (paths.previews / ("img_%06d.png" % number)).write_bytes(report_runs.picture(96, 16))
    page = written(paths)
    assert "Held-out views" not in page.text
    assert [image["alt"] for image in page.images][:4] == ["img_%06d.png" % number for number in (0, 2, 4, 6)]


def test_a_failed_run_tells_reason_fix_and_the_end_of_its_log(tmp_path):
    paths = report_runs.item(tmp_path / "run")
    report_runs.failed(paths, "The loss became NaN at iteration 7.", "Lower learning_rate.", "iter= 6\nlast words")
    report_runs.metrics(paths, steps=40)
    page = written(paths)
    for words in ("Failed", "The trainer failed", "The loss became NaN", "Lower learning_rate", "last words", "Curves"):
        assert words in page.text, words
    assert "Files" not in page.text


def test_a_cancelled_a_silent_and_an_untouched_run_say_so(tmp_path):
    cancelled = report_runs.item(tmp_path / "cancelled")
    report_runs.state(cancelled, Status.CANCELLED, message="stopped on request")
    assert "running it again continues" in written(cancelled).text
    silent = report_runs.item(tmp_path / "silent")
    report_runs.state(silent, Status.RUNNING, progress=0.4, message="iteration 40 of 100")
    assert "Running 40" in written(silent).text.replace("\u2009", " ")
    old = json.loads(silent.state.read_text())
    silent.state.write_text(json.dumps({**old, "updated": 1e9}))
    assert "No sign of life" in written(silent).text
    assert "Not begun" in written(report_runs.item(tmp_path / "new")).text


def test_damaged_files_are_named_and_the_rest_is_told(tmp_path):
    paths = report_runs.finished(tmp_path / "run")
    (paths.result / "mesh.glb").unlink()
    (paths.result / "probe.png").write_bytes(b"no picture")
    (paths.result / "summary.json").write_text("{")
    paths.state.write_text("[")
    paths.metrics.write_bytes(b"step,total,stage,loss,attempt,seconds\n1,2,train,0.5,1,0.1\n2,2,tr\xff\0ain,oops")
    page = written(paths)
    for words in (
        "no longer there: mesh.glb",
        "summary.json could not be read",
        "state.json could not be read",
        "30.00",
    ):
        assert words in page.text, words
    paths.manifest.write_text('{"format": 1}')
    assert "missing, unknown or of the wrong type" in written(paths).text


def test_an_item_that_cannot_be_read_still_gets_a_page(tmp_path):
    (tmp_path / "item.json").write_text("\x00{")
    assert "item.json could not be read" in checked(report.write(tmp_path)).text


def test_a_checks_findings_come_gravest_first(tmp_path):
    paths = report_runs.item(tmp_path / "run", "check", adapter="check", dataset="/captures/ewer")
    report_runs.failed(paths, "The capture: 2 images are missing.", "Add them.", "findings")
    finding = {"code": "x", "fix": "Do it.", "files": ["a.png"], "sentence": "It is so."}
    found = [{**finding, "severity": severity, "sentence": severity + "!"} for severity in ("fine", "error", "warning")]
    paths.output.mkdir(parents=True)
    (paths.output / "report.json").write_text(json.dumps({"checks": [{"title": "Images", "findings": found}]}))
    paths.previews.mkdir()
    (paths.previews / "cameras.png").write_bytes(report_runs.picture(64, 48))
    page = written(paths)
    assert [page.text.index(word) for word in ("error!", "warning!", "fine!")] == sorted(
        page.text.index(word) for word in ("error!", "warning!", "fine!")
    )
    assert [image["alt"] for image in page.images] == ["Cameras around the object's hull"]


def test_a_real_command_gets_a_page_with_its_pictures(tmp_path):
    paths = RunPaths(tmp_path / "run")
    paths.run.mkdir()
    script = "import sys; open('out.png', 'wb').write(bytes.fromhex(sys.argv[1])); print('PROGRESS: 1/1')"
    config = {"arguments": ["{python}", "-c", script, report_runs.picture().hex()], "outputs": ["out.png"]}
    items.write(paths.item, Item("bake", "command", config, "ab" * 32))
    assert run_item.run(paths.run) == 0
    page = written(paths)
    assert [image["alt"] for image in page.images] == ["out.png"]
    assert "Command" in page.text
    assert "That of the command." in page.text


@pytest.mark.parametrize("name", ["report", "comparison"])
def test_hostile_names_stay_text(tmp_path, name):
    folder = tmp_path / "<b>'&\u00e9 %22"
    hostile = report_runs.finished(
        folder / "one", HOSTILE, view_names=[HOSTILE, "b"], labels=((HOSTILE, HOSTILE),), dataset=HOSTILE
    )
    failing = report_runs.item(folder / "two", HOSTILE + "2", config={HOSTILE: HOSTILE}, adapter=HOSTILE)
    report_runs.failed(failing, HOSTILE, HOSTILE, HOSTILE)
    if name == "report":
        for paths in (hostile, failing):
            page = written(paths)
            assert '<script>alert("x")</script>' in page.text
    else:
        output = tmp_path / "all.html"
        page = checked(report.write_comparison([hostile.run, failing.run], output, title=HOSTILE))
        assert '<script>alert("x")</script>' in page.text
    assert "\x07" not in page.source


def comparison(tmp_path):
    for index, psnr in enumerate((28.5, 31.0, 30.0)):
        config = items.read(report_runs.item(tmp_path / "scratch" / str(index)).item).config
        report_runs.finished(
            tmp_path / "job" / ("run%d" % index),
            "run%d" % index,
            psnr,
            view_names=["a", "b", "c"][index % 2 :],
            config={**config, "batch": 1 + index},
            labels=(("batch", str(1 + index)),),
        )
    report_runs.failed(report_runs.item(tmp_path / "job" / "sad", "sad"), "It broke.", "Mend it.", "")
    report_runs.item(tmp_path / "job" / "report", "report", adapter="report")
    return tmp_path / "job"


def test_a_comparison_orders_by_psnr_and_marks_the_best(tmp_path, capsys):
    folder = comparison(tmp_path)
    assert cli.main(["report", str(folder)]) == 0
    assert capsys.readouterr().out == "Report: %s\n" % (folder / "comparison.html")
    page = checked(folder / "comparison.html")
    ranking = page.source.split('id="ranking"')[1].split("</table>")[0]
    assert re.findall(r"run\d</a>", ranking) == ["run1</a>", "run2</a>", "run0</a>"]
    assert re.findall(r"<b>★ ([\d.]+)</b>", ranking) == ["31.00"]
    assert re.findall(r"<td><code>(\d)</code></td>", ranking) == ["2", "3", "1"]
    assert "3 of 4 runs finished" in page.text
    assert "It broke. Mend it." in page.text


def test_a_comparison_shows_one_view_that_all_have(tmp_path):
    folder = comparison(tmp_path)
    page = checked(report.write_comparison(report.runs_in(folder), tmp_path / "page.html"))
    shown = {image["alt"] for image in page.images if " by " in image["alt"]}
    assert {words.split(" by ")[0].replace("Difference of ", "") for words in shown} in ({"b"}, {"c"})
    assert len(shown) == 6


def test_a_comparison_lists_settings_that_differ_and_no_others(tmp_path):
    folder = comparison(tmp_path)
    page = checked(report.write_comparison(sorted(folder.glob("run*")), tmp_path / "page.html"))
    table = page.source.split('id="settings"')[1].split("</table>")[0]
    assert "<code>batch</code>" in table
    assert "<code>seed</code>" not in table


def test_links_lead_to_the_files_from_where_the_page_will_be(tmp_path):
    paths = report_runs.finished(tmp_path / "a run")
    elsewhere = tmp_path / "job" / "report" / "result"
    page = checked(report.write(paths.run, tmp_path / "page.html", links_from=elsewhere))
    elsewhere.mkdir(parents=True)
    links = [url for url in page.urls if not url.startswith(("#", "data:"))]
    assert links
    assert all((elsewhere / unquote(link)).exists() for link in links)


def test_the_report_item_of_a_job_runs_for_real(tmp_path):
    one, two = (report_runs.finished(tmp_path / name, name, psnr) for name, psnr in (("a", 30.0), ("b", 31.0)))
    paths = RunPaths(tmp_path / "report")
    paths.run.mkdir()
    depends = (str(one.run), str(two.run))
    items.write(paths.item, Item("report", "report", {"title": "Bob & co"}, "cd" * 32, depends=depends))
    assert run_item.run(paths.run) == 0
    found = results.read(paths.run)
    assert [output.role for output in found.outputs] == ["document"]
    page = checked(found.path(found.outputs[0]))
    assert "Bob & co" in page.text
    links = [url for url in page.urls if url.startswith("..")]
    assert links
    assert all((paths.result / link).exists() for link in links)


def test_a_page_asked_for_too_early_is_written_anew_with_the_result(tmp_path):
    paths = harness.make_item(tmp_path, steps=1)
    report.write(paths.run)
    assert "Not begun" in paths.report.read_text(encoding="utf-8")
    assert harness.run(paths).returncode == 0
    assert "Finished" in paths.report.read_text(encoding="utf-8")


def test_folders_without_runs_are_refused_with_a_fix(tmp_path, capsys):
    assert cli.main(["report", str(tmp_path)]) == 78
    assert "is no run folder and holds none" in capsys.readouterr().err
    report_runs.finished(tmp_path / "run")
    assert cli.main(["report", str(tmp_path / "run"), "--output", str(tmp_path / "no" / "page.html")]) == 74
    assert "--output" in capsys.readouterr().err
