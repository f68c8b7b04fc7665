"""A plot of a pool over time: as SVG, and as lines of text."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 860, 320, 50, 40, 30


class Sample(NamedTuple):
    at: float
    """Seconds since the beginning."""
    workers: int
    jobs: int
    """In flight and queued."""


def svg(samples: Sequence[Sample], title: str) -> str:
    """Jobs as an area on the left scale, workers as steps on the right one."""
    last = max(max((sample.at for sample in samples), default=0.0), 1.0)
    most_jobs = max(max((sample.jobs for sample in samples), default=0), 1)
    most_workers = max(max((sample.workers for sample in samples), default=0), 1)

    def place(most: int) -> Callable[[float, int], str]:
        def point(at: float, value: int) -> str:
            x = LEFT + at / last * (WIDTH - 2 * LEFT)
            y = HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - TOP)
            return f"{x:.1f},{y:.1f}"

        return point

    jobs, workers = place(most_jobs), place(most_workers)
    area = [jobs(0, 0), *(jobs(sample.at, sample.jobs) for sample in samples), jobs(last, 0)]
    steps = [workers(0, 0)]
    for before, sample in zip([Sample(0, 0, 0), *samples], samples, strict=False):
        steps += [workers(sample.at, before.workers), workers(sample.at, sample.workers)]
    floor = HEIGHT - BOTTOM
    marks = "".join(
        f'<text x="{LEFT + n / 6 * (WIDTH - 2 * LEFT):.0f}" y="{floor + 18}" text-anchor="middle">'
        f"{last * n / 6:.0f} s</text>"
        for n in range(7)
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"
 font-size="12">
<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>
<text x="{LEFT}" y="18" font-weight="bold">{title}</text>
<polygon points="{" ".join(area)}" fill="#2f6f5e33"/>
<polyline points="{" ".join(steps)}" fill="none" stroke="#c0392b" stroke-width="2"/>
<line x1="{LEFT}" y1="{floor}" x2="{WIDTH - LEFT}" y2="{floor}" stroke="#888"/>
{marks}
<text x="{LEFT - 6}" y="{TOP + 4}" text-anchor="end" fill="#2f6f5e">{most_jobs}</text>
<text x="{LEFT - 6}" y="{floor}" text-anchor="end" fill="#2f6f5e">jobs</text>
<text x="{WIDTH - LEFT + 6}" y="{TOP + 4}" fill="#c0392b">{most_workers}</text>
<text x="{WIDTH - LEFT + 6}" y="{floor}" fill="#c0392b">workers</text>
</svg>
"""


def line(sample: Sample, most_jobs: int) -> str:
    """One sample as a line of text: workers as blocks, jobs as a bar of 40 characters for `most_jobs`."""
    bar = "▒" * min(round(40 * sample.jobs / max(most_jobs, 1)), 40)
    return f"{sample.at:6.1f} s  {'█' * sample.workers:<8} {sample.workers} workers  {bar:<40} {sample.jobs} jobs"
