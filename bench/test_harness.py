#!/usr/bin/env python3
"""Tests of the harness. As root also that it leaves nothing behind: `make bench-test`."""

import sys

sys.dont_write_bytecode = True

import glob
import os
import signal
import subprocess
import tempfile
import time
import unittest
import xml.etree.ElementTree

from harness import cache, chart, fio, goals, guard, jobs, realwork, report
from harness.contenders import CONTENDERS
from harness.results import Results
from harness.system import Failure, Undo

HERE = os.path.dirname(os.path.abspath(__file__))


def results_of(figures, unit="IOPS"):
    """Results with these figures by job and contender."""
    results = Results()
    for contender in {name for by_contender in figures.values() for name in by_contender}:
        results.data["contenders"][contender] = {
            "title": contender, "version": "1", "missing": None, "flushes": 32, "verified": True, "commands": ["program option"]}
    for job, by_contender in figures.items():
        results.add_job(job, unit, "--rw=read")
        for contender, values in by_contender.items():
            for value in values:
                results.add(job, contender, value)
    results.data["machine"] = {
        "date": "2026-01-01", "commit": "1234567", "loadAtStart": 0.5, "system": "Debian", "kernel": "6.1", "virtualMachine": True, "cpus": 2,
        "cpuModel": "CPU", "memoryGiB": 8, "filesystem": "ext4", "placement": "no process is bound to a CPU"}
    results.data["run"] = {
        "command": "bench/compare", "rounds": 3, "realRounds": 0, "runtimeMs": 1000, "sizeMiB": 64, "seconds": 60, "tools": ["fio-3.33"],
        "remarks": []}
    return results


class FigureTests(unittest.TestCase):
    def test_medians_half_ranges_and_ratios(self):
        results = results_of({"j": {"cow": [10, 30, 20], "qsd": [10, 10, 10]}})
        self.assertEqual(results.median("j", "cow"), 20)
        self.assertEqual(results.spread("j", "cow"), 0.5)
        self.assertEqual(results.ratio("j", "cow", "qsd"), 2)

    def test_fewer_seconds_are_faster(self):
        results = results_of({"j": {"cow": [2], "rawdio": [4]}}, unit="s")
        self.assertEqual(results.ratio("j", "cow", "rawdio"), 2)

    def test_nothing_is_compared_with_what_was_not_measured(self):
        results = results_of({"j": {"cow": [2]}})
        self.assertIsNone(results.ratio("j", "cow", "xmount"))

    def test_a_file_of_results_gives_them_back(self):
        with tempfile.TemporaryDirectory() as directory:
            results = results_of({"j": {"cow": [1, 2]}})
            results.save(f"{directory}/results.json")
            self.assertEqual(Results.load(f"{directory}/results.json").data, results.data)


class RuntimeTests(unittest.TestCase):
    """What fio must show before it is believed."""

    def setUp(self):
        self.timed = next(job for job in jobs.JOBS if job.name == "randread-4k-q1")
        self.once = next(job for job in jobs.JOBS if job.name == "first-write-1m-q4")

    def test_a_timed_job_lasts_as_long_as_asked(self):
        fio.check_runtime(self.timed, 1003, 1 << 20, 1 << 30, 1000)
        for lasted_ms in (0, 400, 6000):
            with self.assertRaises(Failure):
                fio.check_runtime(self.timed, lasted_ms, 1 << 30, 1 << 30, 1000)

    def test_first_writes_end_early_only_when_all_is_written(self):
        fio.check_runtime(self.once, 300, 1 << 30, 1 << 30, 1000)
        with self.assertRaises(Failure):
            fio.check_runtime(self.once, 300, 1 << 29, 1 << 30, 1000)
        with self.assertRaises(Failure):
            fio.check_runtime(self.once, 20, 1 << 30, 1 << 30, 1000)

    def test_fio_gets_milliseconds(self):
        for job in jobs.JOBS:
            self.assertIn("--runtime=1500ms", job.options(1 << 30, 1500, 1))

    def test_first_writes_write_no_block_twice(self):
        for job in jobs.JOBS:
            if job.state == jobs.FIRST:
                self.assertNotIn("--time_based", job.options(1 << 30, 1000, 1))
                self.assertNotIn("--norandommap", job.options(1 << 30, 1000, 1))


class GoalTests(unittest.TestCase):
    def test_goals_are_of_jobs_and_contenders_that_there_are(self):
        known = {job.name for job in jobs.JOBS} | set(realwork.STEPS) | {realwork.TOTAL}
        for goal in goals.load():
            self.assertIn(goal["job"], known)
            self.assertIn(goal["of"], CONTENDERS)
            self.assertIn(goal["against"], CONTENDERS)

    def test_verdicts_follow_from_figures(self):
        results = results_of({"j": {"cow": [30], "qsd": [10]}})
        entries = [{"job": job, "of": "cow", "against": "qsd", "atLeast": least} for job, least in (("j", 3.0), ("j", 3.1), ("k", 1.0))]
        self.assertEqual([verdict.met for verdict in goals.judge(entries, results)], [True, False, None])


class GuardTests(unittest.TestCase):
    def test_a_fall_is_seen_though_the_machine_became_faster(self):
        before = results_of({"j": {"raw": [100, 100], "cow": [80, 80]}, "k": {"raw": [100], "cow": [80]}})
        now = results_of({"j": {"raw": [200, 200], "cow": [120, 120]}, "k": {"raw": [200], "cow": [150]}})
        falls, compared = guard.compare(before, now)
        self.assertEqual(compared, 2)
        self.assertEqual([(fall.job, round(fall.part, 2), fall.clear) for fall in falls], [("j", 0.25, True)])

    def test_a_fall_within_the_noise_is_not_clear(self):
        before = results_of({"j": {"raw": [100, 100, 100], "cow": [40, 80, 120]}})
        now = results_of({"j": {"raw": [100, 100, 100], "cow": [60, 60, 60]}})
        self.assertEqual([fall.clear for fall in guard.compare(before, now)[0]], [False])


class ReportTests(unittest.TestCase):
    def setUp(self):
        self.results = results_of({job: {"raw": [100_000, 90_000], "cow": [80_000, 70_000], "qsd": [40_000, 30_000]} for job in chart.JOBS})

    def written(self, **changes):
        with tempfile.TemporaryDirectory() as directory:
            report.write(self.results, goals.load(), changes.get("comparison"), f"{directory}/RESULTS.md")
            with open(f"{directory}/RESULTS.md", encoding="utf-8") as file:
                return file.read()

    def test_figures_ratios_and_verdicts_are_in_it(self):
        text = self.written()
        self.assertIn("| randread-4k-q1 (IOPS) |", text)
        self.assertIn("75.0k ±7 %", text)
        self.assertIn("| randread-4k-q1 | cow | qsd | 1.80 | 2.14 | met |", text)
        self.assertIn("| randread-4k-q32 | cow | qsd | 2.80 | 2.14 | **missed** |", text)

    def test_what_is_missing_or_failed_is_said(self):
        self.results.data["contenders"]["xmount"] = {
            "title": "xmount", "version": None, "missing": "no such package", "flushes": None, "verified": None, "commands": []}
        self.results.fail("read-1m-q4", "cow", "it broke")
        text = self.written()
        self.assertIn("missing: no such package", text)
        self.assertIn("* read-1m-q4, cow: it broke", text)

    def test_who_does_not_flush_is_named(self):
        self.results.data["contenders"]["qsd"]["flushes"] = 0
        self.assertIn("qsd without a flush of the disk", self.written())

    def test_who_stores_wrong_data_is_named(self):
        self.results.data["contenders"]["qsd"]["verified"] = False
        self.assertIn("| qsd | 32 | **wrong** |", self.written())

    def test_the_chart_is_svg_without_anything_from_elsewhere(self):
        picture = chart.draw(self.results)
        root = xml.etree.ElementTree.fromstring(picture)
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        bars = root.findall("{http://www.w3.org/2000/svg}rect")
        self.assertEqual(len(bars), 2 * len(chart.JOBS) + 2)
        self.assertEqual(picture.count("http"), 1)
        self.assertIn("prefers-color-scheme: dark", picture)


class CleaningTests(unittest.TestCase):
    def test_what_cannot_be_taken_back_keeps_nothing_else(self):
        done = []

        def fail():
            raise Failure("this one is meant to fail")
        undo = Undo()
        undo.add(done.append, 1)
        undo.add(fail)
        undo.add(done.append, 2)
        undo.all()
        self.assertEqual(done, [2, 1])

    def test_only_data_is_read(self):
        with tempfile.NamedTemporaryFile(dir="/var/tmp") as file:
            file.truncate(64 << 20)
            os.pwrite(file.fileno(), b"x" * 4096, 32 << 20)
            for small_pages in (False, True):
                self.assertEqual(cache.warm([file.name], small_pages), 4096)
            cache.forget([file.name])

    @unittest.skipUnless(os.geteuid() == 0, "only root makes block devices")
    def test_an_interrupt_leaves_nothing_behind(self):
        """At several moments: while devices are made, filled, measured."""
        for seconds in (1, 2, 3, 5, 8, 11, 14):
            with self.subTest(seconds=seconds), tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
                running = subprocess.Popen(
                    [f"{HERE}/compare", "--size=64", "--rounds=9", "--contenders=raw,cow,cow8,compact,qsd,xmount", f"--output={directory}/results"],
                    env={**os.environ, "BENCH_DIR": directory}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                time.sleep(seconds)
                running.send_signal(signal.SIGINT)
                _, errors = running.communicate(timeout=60)
                self.assertEqual((running.returncode, errors), (130, "interrupted; everything is taken away\n"))
                self.assertEqual(os.listdir(directory), [])
                self.assertEqual(glob.glob(f"/dev/cowbench.{running.pid}"), [])
                with open("/proc/self/mounts", encoding="utf-8") as mounts:
                    self.assertNotIn(directory, mounts.read())
                self.assertNotIn(directory, subprocess.run(["losetup", "--list"], capture_output=True, text=True, check=True).stdout)
                self.assertNotIn(directory, subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    unittest.main()
