"""What scripts/benchmark_gpu.py makes of a trainer's lines."""

import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import benchmark_gpu
from benchmarking import curves, process, steps, tables, upstream


def lines(*stamps, between="Base mesh has 10 triangles and 5 vertices."):
    """Output of two passes: (seconds, iteration) pairs each."""
    first, second = stamps
    shown = [
        process.Line(s, "iter=%5d, img_loss=0.1, reg_loss=0.1, lr=0.01, time=1.0 ms, rem=1.00 s" % i) for s, i in first
    ]
    shown.append(process.Line(first[-1][0], between))
    return shown + [process.Line(s, "iter=%5d, img_loss=0.1" % i) for s, i in second]


def test_passes_are_told_apart_even_where_the_second_begins_late():
    found = steps.passes(lines([(1.0, 0), (2.0, 5)], [(3.0, 9)], between="topforge stage=unwrap progress=0.4"))
    assert found == [[(0, 1.0), (5, 2.0)], [(9, 3.0)]]


def test_stretches_with_a_preview_and_the_begin_do_not_count():
    stamps = [(0, 0.0), (10, 9.0), (20, 9.1), (30, 9.2), (40, 19.0), (50, 19.1)]
    assert steps.milliseconds(stamps, [40]) == pytest.approx(0.3 / 30 * 1000)
    assert steps.milliseconds(stamps) > 100.0


def test_a_single_line_gives_no_time():
    assert math.isnan(steps.milliseconds([(3, 1.0)]))
    assert math.isnan(steps.milliseconds([]))


def test_when_an_iteration_was_reached_lies_between_two_lines():
    assert steps.at([(0, 1.0), (10, 2.0)], 5) == pytest.approx(1.5)
    assert steps.at([(0, 1.0), (10, 2.0)], 12) == pytest.approx(2.0)


def test_when_a_curve_reaches_a_level():
    curve = [(1.0, 10.0), (3.0, 20.0), (4.0, 15.0), (5.0, 30.0)]
    assert curves.seconds_until(curve, 15.0) == pytest.approx(2.0)
    assert curves.seconds_until(curve, 25.0) == pytest.approx(4.0 + 10.0 / 15.0)
    assert curves.seconds_until(curve, 31.0) == math.inf


def test_the_picture_holds_every_name():
    text = curves.picture("title", [("one", [(1.0, 10.0), (9.0, 20.0)], [(5.0, 15.0)]), ("two", [(2.0, 12.0)], [])])
    assert text.count("<polyline") == 2
    assert text.count("<circle") == 1
    assert ">one<" in text


def test_upstream_averages(tmp_path):
    file = tmp_path / "metrics.txt"
    file.write_text("ID, MSE, PSNR\n0, 0.00030251, 35.19\nAVERAGES: 0.0002, 37.791\n")
    assert upstream.average(file) == 37.791
    assert math.isnan(upstream.average(tmp_path / "none.txt"))


def test_a_failing_program_is_an_error_with_its_last_words(tmp_path):
    command = [sys.executable, "-c", "print('last words'); raise SystemExit(3)"]
    with pytest.raises(process.BenchmarkError, match="last words"):
        process.run(command, tmp_path, {}, tmp_path / "log")


def test_a_program_is_ended_at_the_line_asked_for(tmp_path):
    command = [sys.executable, "-u", "-c", "import time; print('now'); time.sleep(60)"]
    run = process.run(command, tmp_path, {}, tmp_path / "log", stop_at="^now")
    assert run.seconds < 30
    assert run.lines[0].text == "now"


def row(name, device, psnr=40.0):
    """A row of the ablation."""
    numbers = {"psnr": psnr, "psnr_pass1": 30.0, "seconds": 9.0, "triangles": 10}
    return {"name": name, "device": {"name": device, "date": "2026-01-01"}, **numbers}


def test_rows_measured_in_two_calls_stand_in_one_table():
    found = benchmark_gpu.merged(
        {"ablation": [row("a", "H100", 1.0)]}, {"ablation": [row("b", "H100"), row("a", "H100")]}
    )
    assert [(entry["name"], entry["psnr"]) for entry in found["ablation"]] == [("a", 40.0), ("b", 40.0)]
    assert tables.ablation(found["ablation"]).startswith("H100, 2026-01-01.")


def test_rows_of_two_devices_are_not_compared():
    with pytest.raises(process.BenchmarkError, match="A100 and on H100"):
        benchmark_gpu.merged({"ablation": [row("a", "H100")]}, {"ablation": [row("b", "A100")]})


def test_a_row_says_what_was_changed_and_where_it_was_measured():
    record = {"ms": [1.0, 2.0], "psnr": 40.0, "psnr_pass1": 39.0, "seconds": 9.0, "peak_gpu_mib": 100.0, "runs": 1}
    sides = {
        "upstream": record,
        "ours": {**record, "until": 3.0},
        "changes": {"iter": 500},
        "device": row("", "H100")["device"],
    }
    text = tables.headline({"bob": sides})
    assert "| bob, soft light, `iter` 500 | H100 | TopForge | 9.0 s |" in text
    assert "Required" not in text
