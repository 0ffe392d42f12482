"""What we want to reach, from goals.json, held against results."""

import dataclasses
import json
import os


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A goal and what was measured; `ratio` is None when there is nothing to compare."""

    job: str
    of: str
    against: str
    at_least: float
    ratio: float | None

    @property
    def met(self):
        return None if self.ratio is None else self.ratio >= self.at_least


def load():
    """Entries of job, of, against, atLeast: `of` is to be at least so many times as fast as `against`."""
    with open(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "goals.json"), encoding="utf-8") as file:
        return json.load(file)


def judge(goals, results):
    verdicts = []
    for goal in goals:
        known = goal["job"] in results.jobs
        ratio = results.ratio(goal["job"], goal["of"], goal["against"]) if known else None
        verdicts.append(Verdict(goal["job"], goal["of"], goal["against"], goal["atLeast"], ratio))
    return verdicts
