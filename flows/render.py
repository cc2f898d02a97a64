"""Results in words: the tables that the command line prints when it is not asked for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xnorflow.flows.vendor_tools import missing_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.flows.board.shell import ShellResult
    from xnorflow.flows.demo import DemoResult
    from xnorflow.flows.doctor import Diagnosis
    from xnorflow.flows.explore import ExploreResult
    from xnorflow.flows.finn.run import FinnResult
    from xnorflow.flows.integerise import IntegeriseResult
    from xnorflow.flows.run import RunResult
    from xnorflow.flows.teachers import TeacherRanking
    from xnorflow.hw.deadlock import FifoDepths
    from xnorflow.hw.estimate.report import Estimate
    from xnorflow.hw.folding.next_step import NextStep
    from xnorflow.hw.synth.asic import AsicSynthesis
    from xnorflow.hw.synth.lattice import LatticeSynthesis
    from xnorflow.hw.synth.report import Synthesis
    from xnorflow.models.cost import Cost
    from xnorflow.sim.report import LinkReport, VerifyReport

_NAMES = 3  # of cells that a sentence holds


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns of equal width; numbers to the right, words to the left."""
    cells = [[_cell(v) for v in row] for row in rows]
    widths = [max(len(r[i]) for r in [list(header), *cells]) for i in range(len(header))]
    numeric = [bool(rows) and all(isinstance(r[i], int | float) for r in rows) for i in range(len(header))]

    def line(values: Sequence[str]) -> str:
        return "  ".join(v.rjust(w) if n else v.ljust(w) for v, w, n in zip(values, widths, numeric, strict=True)).rstrip()

    return "\n".join([line(list(header)), line(["-" * w for w in widths]), *(line(r) for r in cells)])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """What ``doctor`` found."""
    rows = [
        ("ok" if c.found else "MISSING" if c.required else "absent", c.name, c.found or f"get it: {c.how_to_get}", c.needed_for)
        for c in diagnosis.checks
    ]
    return table(("state", "what", "found", "needed for"), rows)


def teachers_text(ranking: TeacherRanking) -> str:
    """Teachers by ascending knowledge complexity."""
    rows = [(each.name, each.parameters, f"{100 * each.accuracy:.2f} %", f"{each.complexity:.3f}") for each in ranking.teachers]
    return table(("teacher", "parameters", "top-1", "complexity"), rows)


def cost_text(cost: Cost) -> str:
    """A network's cost, total and by layer."""
    figures = cost.to_json()
    layers = figures.pop("layers", [])
    text = "\n".join(f"{key.replace('_', ' '):16} {_cell(value)}" for key, value in figures.items())
    if not layers:
        return text
    header = tuple(layers[0])
    return text + "\n\n" + table(header, [[str(v) if isinstance(v, list | tuple | bool) else v for v in layer.values()] for layer in layers])


def estimate_text(estimate: Estimate) -> str:
    """A build's cost by node, with the totals."""
    rows: list[tuple[Any, ...]] = [
        (n.name, n.op, n.in_lanes, n.out_lanes, n.interval, round(n.lut), round(n.ff), n.bram18, n.dsp, n.weight_bits) for n in estimate.nodes
    ]
    total = estimate.total
    rows.append(("total", "", 0, 0, estimate.interval, round(total.lut), round(total.ff), total.bram18, total.dsp, estimate.weight_bits))
    head = (
        f"{estimate.interval:,} cycles an image, latency {estimate.latency:,} cycles; {estimate.fps:,.0f} images/s at {estimate.clock_mhz:g} MHz; "
        f"FIFO bits {estimate.fifo_bits:,}"
    )
    return head + "\n" + table(("node", "op", "in", "out", "cycles", "LUT", "FF", "BRAM18", "DSP", "weight bits"), rows)


def next_step_text(step: NextStep | None) -> str:
    """What holds a build back, and what the next faster folding takes; empty where the build does not say."""
    if step is None:
        return ""
    first = _some(step.limiting)
    if step.more is None or step.faster is None:
        return f"\nno folding is faster: {first} cannot take fewer than {step.interval:,} cycles"
    lut, ff, bram18, dsp = step.more
    text = (
        f"\n{step.interval:,} cycles because of {first}; the next step up, {step.faster:,} cycles, takes {lut:+,} LUT, {ff:+,} FF, {bram18:+,} BRAM18"
    )
    return f"{text} and {dsp:+,} DSP, and changes {_some(step.changed)}"


def _some(names: tuple[str, ...]) -> str:
    """A few names, and how many more there are."""
    return ", ".join(names[:_NAMES]) + (f" and {len(names) - _NAMES} more" if len(names) > _NAMES else "")


def explore_text(result: ExploreResult) -> str:
    """The points of a sweep; a star marks those on the front."""
    rows = [(p.interval, p.fps, p.lut, p.ff, p.bram18, p.dsp, "*" if p.interval in result.front else "", _some(p.limiting)) for p in result.points]
    head = f"{result.folder}: {len(rows)} points, {result.computed} computed now"
    return head + "\n" + table(("cycles", "images/s", "LUT", "FF", "BRAM18", "DSP", "front", "limited by"), rows)


def fifos_text(result: FifoDepths) -> str:
    """Every FIFO as built and as shallow as is safe."""
    head = f"{len(result.fifos)} FIFOs; {result.interval:,} cycles an image, {result.safe_interval:,} with the smallest safe depths"
    if not result.fifos:
        return f"no FIFOs; {result.interval:,} cycles an image"
    rows = [(fifo.name, fifo.source, fifo.reader, fifo.bits, fifo.depth, fifo.safe) for fifo in result.fifos]
    return head + "\n" + table(("FIFO", "from", "to", "bits", "beats", "least safe"), rows)


def verify_text(report: VerifyReport) -> str:
    """The chain, link by link, and what the simulation measured."""
    rows = [(name, link.status, link.images, link.compared, _link_note(link)) for name, link in report.links.items()]
    text = f"{report.images:,} images ({report.source}), engine {report.engine}, seed {report.seed}{', with stalls' if report.stalls else ''}\n"
    text += table(("link", "against the interpreter", "images", "compared", "note"), rows)
    if report.rtl is not None:
        text += "\n" + _rtl_text(report)
    return text


def _link_note(link: LinkReport) -> str:
    rounded = f"{link.rounded:,} values rounded otherwise, within the proven bound" if link.rounded else ""
    return "; ".join(filter(None, (link.reason, rounded)))


def _rtl_text(report: VerifyReport) -> str:
    rtl = report.rtl
    assert rtl is not None
    text = f"RTL: {rtl.frames:,} frames, {rtl.cycles:,} cycles, {rtl.resets} resets in mid-frame, {rtl.images_per_second:,.0f} images/s simulated"
    if rtl.cycles_per_image is not None:
        text += f"\n     {rtl.cycles_per_image:,.1f} cycles an image (estimate {rtl.estimate_cycles:,}"
        text += ", not comparable under stalls)" if report.stalls else f", {rtl.deviation_percent:+.2f} %)"
    return text


def run_text(result: RunResult) -> str:
    """Labels, one a line for few images, counted for many."""
    few = 32
    text = f"{len(result.labels):,} images ({result.source}) on backend {result.backend}, {result.seconds:.2f} s"
    if result.accuracy is not None:
        text += f"; {100 * result.accuracy:.2f} % right"
    if len(result.labels) <= few:
        return text + "\n" + "\n".join(f"{i}: {label}" for i, label in enumerate(result.labels.tolist()))
    counts = sorted({label: result.labels.tolist().count(label) for label in set(result.labels.tolist())}.items())
    return text + "\n" + table(("label", "images"), counts)


def synthesis_text(result: Synthesis) -> str:
    """Estimated and synthesised resources side by side."""
    rows = []
    for name, label in (("lut", "LUT"), ("ff", "FF"), ("bram18", "BRAM18"), ("dsp", "DSP")):
        guess, real = getattr(result.estimated, name), getattr(result.synthesised, name)
        rows.append((label, round(guess), round(real), "" if not real else f"{100 * (guess / real - 1):+.1f} %"))
    return "Yosys synth_xilinx -family xc7 (not Vivado)\n" + table(("resource", "estimated", "synthesised", "difference"), rows)


def asic_text(result: AsicSynthesis) -> str:
    """Area, flip-flops and logic depth in standard cells, and what figures they are."""
    head = f"Yosys, mapped to {result.library}; nothing is placed, wires have no delay: no sign-off"
    share = f", {100 * result.storage_area / result.area:.0f} % of it flip-flops" if result.area else ""
    sums = f"area {round(result.area):,} ({result.unit}{share}), {result.flip_flops:,} flip-flops, at most {result.depth} cells between two of them"
    return f"{head}\n{sums}\n" + table(("cell", "count"), list(result.cells.items()))


def lattice_text(result: LatticeSynthesis) -> str:
    """Cells of Yosys and, where nextpnr ran, clock frequency and sites of the device."""
    sums = f"{result.lut4:,} LUT4 and {result.flip_flops:,} flip-flops of Yosys for {result.device}"
    if result.fmax_mhz is None:
        return f"{sums}; nothing is placed\n" + table(("cell", "count"), list(result.cells.items()))
    head = f"{result.fmax_mhz:.1f} MHz between flip-flops after routing: nextpnr, {result.device}, seed {result.seed} (not the vendor's tool)"
    return f"{head}\n{sums}\n" + table(("site", "used", "available"), [(name, *counts) for name, counts in result.used.items()])


def shell_text(result: ShellResult) -> str:
    """How far a board build came."""
    figures = result.to_json()
    left = [name for name in figures["stages"] if name not in result.done]
    head = f"{result.folder}: {result.board} at {1000 / result.clock_ns:g} MHz, at most {1e9 / (result.interval * result.clock_ns):,.0f} images/s"
    if result.interval > result.network_interval:
        head += f" (the DMA needs {result.interval} cycles an image, the network {result.network_interval})"
    lines = [head]
    if result.simulated:
        lines.append(f"simulated: {result.simulated} random images, packed as on the board, equal to the interpreter")
    lines += [f"done: {', '.join(result.done) or 'nothing yet'}", f"left: {', '.join(left) or 'nothing'}"]
    if result.slack_ns is not None:
        lines.append(f"worst slack: setup {result.slack_ns[0]:g} ns, hold {result.slack_ns[1]:g} ns")
    if not left:
        lines.append(f"copy {result.folder / 'deploy'} to the board and run there: sudo python3 run.py IMAGES.npy")
    return "\n".join(lines)


def demo_text(result: DemoResult) -> str:
    """The whole path in one page."""
    training = result.training
    return "\n".join(
        (
            f"accuracy {training.measured()} after {training.epochs} epochs, {training.seconds:.0f} s",
            "",
            estimate_text(result.estimate),
            "",
            verify_text(result.verification),
            "",
            f"everything in {result.folder}, {result.seconds:.0f} s",
        )
    )


def integers_text(result: IntegeriseResult) -> str:
    """What ``integerise`` made: accuracy on the way, what bounds every step, what saturates."""
    saturated = {each.name: each for each in result.report.saturation}
    rows = []
    for bound in result.report.bounds:
        each = saturated.get(bound.name)
        grid = "" if each is None else f"{'' if each.signed else 'u'}{each.bits} bits, step 2^{-each.fraction}"
        rows.append(
            (bound.name, bound.kind, bound.worst, f"{100 * bound.worst / bound.limit:.2f}", grid, "" if each is None else f"{100 * each.share:.3f}")
        )
    steps = table(("step", "kind", "greatest integer", "% of 2^24", "grid", "% saturated"), rows)
    columns = ("after", "test accuracy, %", "images won", "lost", "by chance, %")
    accuracies = table(columns, [(e.step, f"{100 * e.accuracy:.2f}", e.won, e.lost, f"{100 * e.chance:.0f}") for e in result.steps])
    return f"{steps}\n\n{accuracies}\n\n{result.checkpoint}: exact on any image"


def finn_text(result: FinnResult) -> str:
    """How far FINN's builder came, and what its reports say."""
    rows = [(s.step, s.seconds, s.images if s.images else "cannot be executed") for s in result.steps]
    speed, cost = result.performance, result.resources
    lines = [
        table(("step", "seconds", "images equal to the interpreter"), rows) if rows else "no step was left to run",
        f"FINN's estimate at {result.clock_ns:g} ns: {speed['max_cycles']:,} cycles an image, {speed['estimated_throughput_fps']:,.0f} images/s; "
        f"{cost['LUT']:,.0f} LUT, {cost['BRAM_18K']:,.0f} BRAM18, {cost['DSP']:,.0f} DSP; reports in {result.out / 'report'}",
    ]
    if result.simulated is not None:
        done = result.simulated
        pace = "" if done.cycles_per_image is None else f", {done.cycles_per_image:,.1f} cycles an image (estimate {done.interval:,})"
        lines.append(f"RTL of FINN's builder: {done.images} images equal to the interpreter in {done.cycles:,} cycles{pace}")
    if result.missing:
        lines.append(f"stopped after {result.done[-1]}: {missing_words(result.missing)}; then go on with {result.out / 'continue.sh'}")
    else:
        lines.append(f"finished for {result.board}: {result.out}")
    return "\n".join(lines)
