"""A horizontal bar chart as SVG: no dependency, and readable on light and dark pages alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH = 760
_MARGIN = 20
_LABEL = 200
_VALUE = 150
_BAR = 20
_STEP = 30
_HEAD = 64
_GAP = 20

_STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; }
.quiet { fill: #59636e; font-size: 12px; }
.own text { font-weight: 600; }
.floor .bar { fill: #818b98; }
.own .bar { fill: #1a7f37; }
.peer .bar { fill: #8fb3e0; }
.axis { stroke: #d1d9e0; }
.spread { stroke: #1f2328; stroke-opacity: .55; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .quiet { fill: #9198a1; }
  .floor .bar { fill: #656c76; }
  .own .bar { fill: #3fb950; }
  .peer .bar { fill: #4a76ad; }
  .axis { stroke: #3d444d; }
  .spread { stroke: #f0f6fc; }
}
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: `low` and `high` are its spread. `look` is `own`, `peer`, or `floor` for what sets the limit."""

    label: str
    value: float
    low: float
    high: float
    text: str
    look: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars that share a scale."""

    title: str
    note: str
    bars: Sequence[Bar]


def draw(panels: Sequence[Panel], description: str) -> str:
    """The panels below one another; `description` is read out to those who cannot see them."""
    body: list[str] = []
    top = _MARGIN
    for panel in panels:
        body += _panel(panel, top)
        top += _HEAD + _STEP * len(panel.bars) + _GAP
    height = top - _GAP + _MARGIN // 2
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(description)}">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *body, "</svg>\n"])


def _panel(panel: Panel, top: int) -> Iterator[str]:
    yield _text(_MARGIN, top + 14, panel.title, "title")
    yield _text(_MARGIN, top + 34, panel.note, "quiet")
    left = _MARGIN + _LABEL
    first = top + _HEAD - 12
    full = max(bar.high for bar in panel.bars)
    scale = (_WIDTH - _MARGIN - _VALUE - left) / full
    for number, bar in enumerate(panel.bars):
        yield from _bar(bar, left, first + _STEP * number, scale)
    end = first + _STEP * len(panel.bars)
    yield f'<line class="axis" x1="{left}" y1="{first - 6}" x2="{left}" y2="{end}"/>'


def _bar(bar: Bar, left: int, top: int, scale: float) -> Iterator[str]:
    middle = top + _BAR / 2
    low, value, high = (left + scale * amount for amount in (bar.low, bar.value, bar.high))
    yield f'<g class="{bar.look}">'
    yield _text(left - 10, middle + 4.5, bar.label, "", "end")
    yield f'<rect class="bar" x="{left}" y="{top}" width="{max(2, value - left):.1f}" height="{_BAR}" rx="3"/>'
    if high - low > 1:
        ends = "".join(f"M{end:.1f} {middle - 4}v8" for end in (low, high))
        yield f'<path class="spread" d="M{low:.1f} {middle}H{high:.1f}{ends}"/>'
    yield _text(max(value, high) + 8, middle + 4.5, bar.text)
    yield "</g>"


def _text(x: float, y: float, text: str, look: str = "", anchor: str = "start") -> str:
    style = f' class="{look}"' if look else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
