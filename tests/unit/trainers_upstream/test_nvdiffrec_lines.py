"""What nvdiffrec prints, line by line."""

from __future__ import annotations

import math

from topforge.trainers.nvdiffrec_lines import Lines, centre, echoed

ECHO = [
    "Config / Flags:",
    "---------",
    "config config.json",
    "iter 20",
    "base_mesh None",
    "train_res [16, 24]",
    "---------",
]


def iteration(number, regulariser="0.1", left="3.05 m"):
    return "iter=%5d, img_loss=0.5, reg_loss=%s, lr=0.02999, time=308.4 ms, rem=%s" % (number, regulariser, left)


def fed(lines, reader=None):
    reader = reader or Lines(20, 2)
    return [report for report in map(reader, lines) if report is not None]


def test_both_passes_are_one_percent():
    passes = [iteration(number) for number in (0, 10, 20)]
    reports = fed([*ECHO, *passes, "Base mesh has 10192 triangles and 5096 vertices.", *passes])
    shares = [report.progress for report in reports if report.progress is not None]
    assert shares == [0.0, 10 / 42, 20 / 42, 21 / 42, 31 / 42, 41 / 42]
    assert [report.stage for report in reports] == ["pass 1"] * 3 + ["pass 2"] * 4
    assert reports[0].metrics == {"loss": 0.5, "regulariser": 0.1, "rate": 0.02999, "milliseconds": 308.4}


def test_a_pass_also_flips_where_the_count_falls_back():
    assert [report.step for report in fed([iteration(n) for n in (10, 20, 0, 10)])] == [10, 20, 21, 31]


def test_the_run_says_itself_how_many_passes_it_has():
    lines = [*ECHO[:3], "iter 40", "base_mesh /run/mesh.obj", "---------", iteration(0), iteration(40)]
    assert [report.progress for report in fed(lines)] == [0.0, 40 / 41]


def test_all_forms_of_the_remaining_time():
    for left in ("1.20 h", "3.05 m", "42.00 s", "0.00 s"):
        assert fed([iteration(10, left=left)])[0].step == 10


def test_numbers_that_are_none_are_told():
    assert math.isnan(fed([iteration(10, "nan")])[0].metrics["regulariser"])


def test_torn_lines_say_nothing():
    assert not fed(
        ["iter=   10, img_loss=0.5, reg_lo", "iter=   10, img_loss=0.5.1, reg_loss=1, lr=1, time=1 ms, rem=1 s"]
    )


def test_the_measured_quality_is_read_and_only_there():
    reports = fed(["12.00000000, 37.000", "Running validation", "MSE,      PSNR", "0.00018816, 37.273", "1.0, 2.0"])
    assert [report.metrics for report in reports if report.metrics] == [{"mse": 0.00018816, "psnr": 37.273}]


def test_words_for_people():
    texts = [
        "Building extension module renderutils_plugin...",
        "---> WARNING: Picked a texture resolution lower than the reference mesh [1024, 1024] < [2048, 2048]",
        "DatasetNERF: 100 images with shape [800, 800]",
        "Writing mesh:  out/bob/mesh/mesh.obj",
    ]
    messages = [report.message for report in fed(texts)]
    assert messages[0] == "building renderutils_plugin, which takes minutes the first time"
    assert messages[2:] == ["100 images with shape [800, 800]", "writing out/bob/mesh/mesh.obj"]


def test_what_the_run_was_given_is_kept():
    assert echoed(["noise", *ECHO, "later"]) == {
        "config": "config.json",
        "iter": "20",
        "base_mesh": "None",
        "train_res": "[16, 24]",
    }
    assert echoed(ECHO[:4]) == {}
    assert centre(["DatasetLLFF: auto-centering at [0.25 0.5 0.75]"]) == "[0.25 0.5 0.75]"
