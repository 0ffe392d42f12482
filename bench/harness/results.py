"""The figures of a run, and what follows from them. The file results.json holds all of it."""

import json
import os
import statistics

FORMAT = 1
SECONDS = "s"


class Results:
    """Figures by job and contender, one of each round; what was measured, how, and on what machine."""

    def __init__(self, data=None):
        self.data = data or {
            "format": FORMAT, "machine": {}, "run": {}, "contenders": {}, "jobs": {}, "figures": {}, "failures": {}}

    @staticmethod
    def load(path):
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        if data.get("format") != FORMAT:
            raise ValueError(f"{path}: format {data.get('format')} instead of {FORMAT}")
        return Results(data)

    def save(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            json.dump(self.data, file, indent=1)
            file.write("\n")
        os.replace(f"{path}.new", path)

    def add_job(self, name, unit, what):
        """A job in the order of the tables; `what` says what is done."""
        self.data["jobs"][name] = {"unit": unit, "what": what}

    def add_contender(self, contender, missing):
        """`missing` says why a contender could not take part."""
        self.data["contenders"][contender.name] = {
            "title": contender.title, "version": None if missing else contender.version(), "missing": missing, "flushes": None,
            "verified": None, "commands": []}

    def set_commands(self, contender):
        self.data["contenders"][contender.name]["commands"] = contender.commands

    def set_flushes(self, contender, count):
        self.data["contenders"][contender]["flushes"] = count

    def set_verified(self, contender, is_right):
        self.data["contenders"][contender]["verified"] = is_right

    def add(self, job, contender, figure):
        self.data["figures"].setdefault(job, {}).setdefault(contender, []).append(figure)

    def fail(self, job, contender, why):
        self.data["failures"].setdefault(job, {})[contender] = why

    @property
    def jobs(self):
        return list(self.data["jobs"])

    @property
    def contenders(self):
        return list(self.data["contenders"])

    def unit(self, job):
        return self.data["jobs"][job]["unit"]

    def figures(self, job, contender):
        return self.data["figures"].get(job, {}).get(contender, [])

    def failure(self, job, contender):
        return self.data["failures"].get(job, {}).get(contender)

    def median(self, job, contender):
        """The median of all rounds, or None when there is no figure."""
        figures = self.figures(job, contender)
        return statistics.median(figures) if figures else None

    def spread(self, job, contender):
        """Half the range of the figures, as a part of their median."""
        figures = self.figures(job, contender)
        return (max(figures) - min(figures)) / 2 / statistics.median(figures)

    def ratio(self, job, of, against):
        """How many times as fast as another contender one is, by the medians; None when one of them has no figure."""
        mine, other = self.median(job, of), self.median(job, against)
        if mine is None or other is None:
            return None
        return other / mine if self.unit(job) == SECONDS else mine / other
