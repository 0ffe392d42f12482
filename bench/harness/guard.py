"""What has become slower since the results that are kept: by ratios to raw of the same run, since machines differ."""

import dataclasses

OURS = ("cow", "cow8", "compact")
YARDSTICK = "raw"
TOLERANCE = 0.10


@dataclasses.dataclass(frozen=True)
class Fall:
    """A ratio that fell. It is `clear` when it fell by more than the half ranges of all that it is made of."""

    job: str
    contender: str
    before: float
    now: float
    clear: bool

    @property
    def part(self):
        return 1 - self.now / self.before


def compare(before, now):
    """The falls by more than the tolerance, worst first, and how many ratios were compared."""
    falls = []
    compared = 0
    for job in now.jobs:
        if job not in before.jobs:
            continue
        for contender in OURS:
            ratios = [results.ratio(job, contender, YARDSTICK) for results in (before, now)]
            if None in ratios:
                continue
            compared += 1
            if ratios[1] < ratios[0] * (1 - TOLERANCE):
                noise = sum(results.spread(job, name) for results in (before, now) for name in (contender, YARDSTICK))
                falls.append(Fall(job, contender, ratios[0], ratios[1], 1 - ratios[1] / ratios[0] > noise))
    return sorted(falls, key=lambda fall: -fall.part), compared
