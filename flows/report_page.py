"""The text of the page that shows builds: HTML with its style and script inside, which loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from xnorflow.flows.render import next_step_text
from xnorflow.flows.report_graph import graph_svg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from xnorflow.flows.board.boards import Board
    from xnorflow.hw.build import Build

KINDS = (("lut", "LUT"), ("ff", "FF"), ("bram18", "BRAM18"), ("dsp", "DSP"))
STYLE = """
body{font:14px/1.45 system-ui,sans-serif;color:#222;margin:24px auto;max-width:1100px;padding:0 16px}
h1{font-size:22px}h2{font-size:18px;border-top:1px solid #ccc;padding-top:16px;margin-top:32px}h3{font-size:15px}
table{border-collapse:collapse}td,th{padding:3px 10px;border-bottom:1px solid #ddd;text-align:right}td:first-child,th:first-child{text-align:left}
.graph{width:100%;height:520px;border:1px solid #ccc;cursor:grab;background:#fafafa}
.graph text{font:12px system-ui,sans-serif}.graph rect{fill:#e3edf8;stroke:#1f5fa8}.graph .fifo rect{fill:#eee;stroke:#777}
.graph .slow rect{fill:#fbe0cc;stroke:#c8772a;stroke-width:2}.stream{fill:none;stroke:#888}
.bar{display:grid;grid-template-columns:260px 1fr 110px;gap:8px;align-items:center;font-size:12px}
.bar span:first-child{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.bar i{display:block;height:11px;background:#1f5fa8;min-width:1px}.bar.slow i{background:#c8772a}.bar.over i{background:#b00020}
.bars{max-height:420px;overflow:auto}.note{color:#666}
"""
SCRIPT = """
for(const svg of document.querySelectorAll('svg.graph')){
 const box=svg.viewBox.baseVal,home=svg.dataset.box.split(' ').map(Number);
 const set=(x,y,w,h)=>svg.setAttribute('viewBox',[x,y,w,h].join(' '));
 const start=Math.max(1,home[3]/560);if(start>1)set(home[0],home[1],home[2],home[3]/start);
 svg.addEventListener('wheel',e=>{e.preventDefault();const r=svg.getBoundingClientRect(),k=e.deltaY<0?0.8:1.25;
  const u=(e.clientX-r.left)/r.width,v=(e.clientY-r.top)/r.height;
  set(box.x+box.width*u*(1-k),box.y+box.height*v*(1-k),box.width*k,box.height*k)},{passive:false});
 let from=null;
 svg.addEventListener('pointerdown',e=>{from=[e.clientX,e.clientY];svg.setPointerCapture(e.pointerId)});
 svg.addEventListener('pointermove',e=>{if(!from)return;const r=svg.getBoundingClientRect(),k=Math.max(box.width/r.width,box.height/r.height);
  set(box.x-(e.clientX-from[0])*k,box.y-(e.clientY-from[1])*k,box.width,box.height);from=[e.clientX,e.clientY]});
 svg.addEventListener('pointerup',()=>{from=null});
 svg.addEventListener('dblclick',()=>set(...home));
}
document.body.dataset.ready='yes';
"""
HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>xnorflow report</title>'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
)


@dataclass(frozen=True)
class Shown:
    """A build and what is known of it.

    Attributes:
        name: its folder, as it was given.
        build: opened.
        verified, run, synthesised: figures of the last ``verify``, ``run`` with known labels, and ``synth``; None where there are none.
    """

    name: str
    build: Build
    verified: Mapping[str, Any] | None = None
    run: Mapping[str, Any] | None = None
    synthesised: Mapping[str, Any] | None = None


def page(builds: Sequence[Shown], board: Board) -> str:
    """The whole page; every text that comes from a model or a path is escaped."""
    body = [f"<h1>xnorflow report: {len(builds)} build{'s' if len(builds) > 1 else ''}</h1>", _comparison(builds)]
    body += [_section(shown, board) for shown in builds]
    return f"{HEAD}<style>{STYLE}</style></head><body>{''.join(body)}<script>{SCRIPT}</script></body></html>\n"


def _comparison(builds: Sequence[Shown]) -> str:
    head = ("build", "images/s", "cycles", "latency", "LUT", "FF", "BRAM18", "DSP", "FIFO bits", "accuracy", "verification")
    return _table(head, (_row(shown) for shown in builds))


def _row(shown: Shown) -> tuple[str, ...]:
    estimate = shown.build.estimate
    total = estimate.total
    costs = (f"{total.lut:,.0f}", f"{total.ff:,.0f}", f"{total.bram18:,}", f"{total.dsp:,}")
    accuracy = "not measured" if shown.run is None else _percent(shown.run)
    cycles = (f"{estimate.fps:,.0f}", f"{estimate.interval:,}", f"{estimate.latency:,}")
    return (shown.name, *cycles, *costs, f"{estimate.fifo_bits:,}", accuracy, _state(shown))


def _percent(run: Mapping[str, Any]) -> str:
    return f"{100 * run['accuracy']:.2f} %"


def _state(shown: Shown) -> str:
    return "not verified" if shown.verified is None else _equal_on(shown.verified)


def _equal_on(verified: Mapping[str, Any]) -> str:
    done = [name for name, link in verified["links"].items() if link["images"]]
    return f"equal on {verified['images']:,} images ({', '.join(done)})"


def _section(shown: Shown, board: Board) -> str:
    step = next_step_text(shown.build.next_step).strip()
    parts = [
        f"<h2>{escape(shown.name)}</h2><p>{escape(step)}</p>",
        "<h3>Dataflow graph</h3><p class='note'>Wheel: zoom. Drag: move. Double click: all of it. The slowest cells are orange.</p>",
        graph_svg(shown.build, _state(shown)),
        "<h3>Cycles an image</h3>",
        _cycles(shown.build),
        f"<h3>Resources, estimated, against {escape(board.name)} ({escape(board.part)})</h3>",
        _resources(shown, board),
        "<h3>Exactness and accuracy</h3>",
        _exactness(shown),
    ]
    return f"<section>{''.join(parts)}</section>"


def _cycles(build: Build) -> str:
    slowest = max(node.interval for node in build.estimate.nodes)
    bars = [(node.name, node.interval / slowest, f"{node.interval:,}", node.interval == slowest) for node in build.estimate.nodes]
    return f"<div class='bars'>{''.join(_bar(name, share, words, 'slow' if slow else '') for name, share, words, slow in bars)}</div>"


def _resources(shown: Shown, board: Board) -> str:
    total, has = shown.build.estimate.total, board.part_has
    bars = []
    for kind, word in KINDS:
        need, there = getattr(total, kind), getattr(has, kind)
        bars.append(_bar(f"{word}: {need:,.0f} of {there:,}", min(1.0, need / there), f"{100 * need / there:.1f} %", "over" if need > there else ""))
    if shown.synthesised is not None:
        bars.append(_synthesised(shown.synthesised))
    return "".join(bars)


def _synthesised(figures: Mapping[str, Any]) -> str:
    made = figures["synthesised"]
    return f"<p>Yosys for xc7: {', '.join(f'{made[kind]:,.0f} {word}' for kind, word in KINDS)}</p>"


def _exactness(shown: Shown) -> str:
    text = "" if shown.run is None else _right(shown.run)
    if shown.verified is None:
        return text + "<p>Not verified yet: <code>xnorflow verify</code> compares every link, and this page then shows it.</p>"
    return text + _links(shown.verified)


def _right(run: Mapping[str, Any]) -> str:
    return f"<p>{_percent(run)} of {run['images']:,} images right ({escape(str(run['source']))})</p>"


def _links(verified: Mapping[str, Any]) -> str:
    links = verified["links"]
    rows = ((name, str(link["status"]), f"{link['images']:,}", str(link["compared"]), str(link["reason"])) for name, link in links.items())
    words = f"<p>{verified['images']:,} images ({escape(str(verified['source']))}), engine {escape(str(verified['engine']))}</p>"
    rtl = verified.get("rtl")
    if rtl is not None and rtl["cycles_per_image"] is not None:
        words += f"<p>RTL: {rtl['cycles_per_image']:,.1f} cycles an image measured, {rtl['estimate_cycles']:,} estimated</p>"
    return words + _table(("link", "against the interpreter", "images", "compared", "note"), rows)


# What the page says of the figures that each command keeps.
WORDS: Mapping[str, Sequence[Callable[[Mapping[str, Any]], str]]] = {
    "verify": (_equal_on, _links),
    "run": (_percent, _right),
    "synth": (_synthesised,),
}


def _bar(name: str, share: float, words: str, kind: str) -> str:
    shown = escape(name)
    return f"<div class='bar {kind}'><span title='{shown}'>{shown}</span><i style='width:{100 * share:.2f}%'></i><span>{words}</span></div>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    first = "".join(f"<th>{escape(word)}</th>" for word in head)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{first}</tr>{lines}</table>"
