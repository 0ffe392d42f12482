"""A bar chart of some ratios as SVG: nothing from elsewhere, readable on light and on dark."""

from xml.sax.saxutils import escape

AGAINST = "raw"
CONTENDERS = {"cow": "cowloop", "qsd": "qemu-storage-daemon, qcow2", "xmount": "xmount"}
JOBS = {
    "randread-4k-q1": "random read 4K, depth 1",
    "randread-4k-q32": "random read 4K, depth 32",
    "read-1m-q4": "sequential read 1M",
    "first-randwrite-4k-q32": "first random write 4K, depth 32",
    "randwrite-4k-q1": "random rewrite 4K, depth 1",
    "randwrite-4k-q32": "random rewrite 4K, depth 32",
    "write-1m-q4": "sequential rewrite 1M",
    "randwrite-4k-fsync32": "random rewrite 4K, fsync every 32",
}
# xmount answers a flush without one, so a bar would compare different work.
LEFT_OUT = {("randwrite-4k-fsync32", "xmount")}

_WIDTH = 820
_LABELS_WIDTH = 250
_BAR = 14
_GAP = 16
_TOP = 64
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .small { font-size: 11px }
  .title { font-size: 15px; font-weight: 600 }
  .axis { stroke: #8c959f; stroke-width: 1; fill: none }
  .one { stroke: #57606a; stroke-width: 1.5; stroke-dasharray: 4 3 }
  .cow { fill: #0969da } .qsd { fill: #bf8700 } .xmount { fill: #8c959f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .axis { stroke: #6e7681 } .one { stroke: #b1bac4 }
    .cow { fill: #58a6ff } .qsd { fill: #d29922 } .xmount { fill: #7d8590 }
  }
"""


def draw(results):
    """The chart, or None when there is nothing to draw."""
    groups = [(title, bars) for job, title in JOBS.items() if (bars := _bars(results, job))]
    if not groups:
        return None
    longest = max(1.0, *(ratio for _, bars in groups for _, ratio in bars))
    scale = (_WIDTH - _LABELS_WIDTH - 60) / longest
    parts, y = [], _TOP
    for title, bars in groups:
        parts.append(_text(_LABELS_WIDTH - 10, y + len(bars) * _BAR / 2 + 4, title, anchor="end"))
        for contender, ratio in bars:
            parts.append(f'<rect class="{contender}" x="{_LABELS_WIDTH}" y="{y}" width="{ratio * scale:.1f}" height="{_BAR - 2}"/>')
            parts.append(_text(_LABELS_WIDTH + ratio * scale + 5, y + _BAR - 4, f"{ratio:.2f}", "small"))
            y += _BAR
        y += _GAP
    end = y - _GAP / 2
    one = _LABELS_WIDTH + scale
    parts.append(f'<path class="axis" d="M{_LABELS_WIDTH} {_TOP - 6}V{end}"/>')
    parts.append(f'<path class="one" d="M{one:.1f} {_TOP - 6}V{end}"/>')
    height = int(end + 24)
    parts.append(_text(one, end + 15, "1.00 = a loop device on a plain file", "small", "end" if one > _WIDTH / 2 else "start"))
    title = "Speed of a writable overlay, as a ratio to the kernel's loop device on a plain file"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" role="img">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n{_text(10, 22, title, 'title')}\n{_legend(groups)}\n"
        + "\n".join(parts) + "\n</svg>\n")


def _bars(results, job):
    ratios = [(name, results.ratio(job, name, AGAINST)) for name in CONTENDERS if (job, name) not in LEFT_OUT]
    return [(name, ratio) for name, ratio in ratios if ratio is not None]


def _legend(groups):
    shown = {name for _, bars in groups for name, _ in bars}
    parts, x = [], _LABELS_WIDTH
    for name, title in CONTENDERS.items():
        if name in shown:
            parts.append(f'<rect class="{name}" x="{x}" y="34" width="12" height="12"/>')
            parts.append(_text(x + 17, 45, title))
            x += 40 + 7.2 * len(title)
    return "\n".join(parts)


def _text(x, y, text, style="", anchor="start"):
    kind = f' class="{style}"' if style else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
