from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from xnorflow.flows.cost_page import page
from xnorflow.flows.cost_table import CostTable, Row, cost_table, main
from xnorflow.models import build, lookup
from xnorflow.models.blocks.gate import Gate
from xnorflow.models.blocks.real_to_binary import RealToBinaryUnit

MIB = 2**20
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def table() -> CostTable:
    return cost_table()


def find(table: CostTable, name: str, *options: str, side: int = 224) -> Row:
    (row,) = (r for r in table.rows if r.entry.name == name and r.entry.options == options and r.entry.image[1] == side)
    return row


def test_the_page_in_the_documents_is_current(table: CostTable) -> None:
    assert page(table) == (ROOT / "docs" / "cost-table.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "bops", "ops", "mib"),
    [
        ("bnext-t", "4.8169", "0.8861", "13.287"),
        ("bnext-s", "10.8380", "1.9047", "26.695"),
        ("bnext-m", "20.0865", "3.3811", "46.487"),
        ("bnext-l", "52.1509", "8.5428", "106.161"),
        ("bnext-18", "1.6763", "1.6433", "5.419"),
        ("reactnet-a", "4.8169", "0.8713", "7.528"),
        ("reactnet-18", "1.6763", "1.6399", "4.052"),
        ("reactnet-34", "3.5260", "1.9289", "5.341"),
        ("bireal-18", "1.6763", "1.6399", "3.995"),
        ("bireal-34", "3.5260", "1.9289", "5.228"),
    ],
)
def test_operations_and_sizes_are_the_verified_ones(table: CostTable, name: str, bops: str, ops: str, mib: str) -> None:
    row = find(table, name)
    assert (f"{row.bops / 1e9:.4f}", f"{row.ops / 1e8:.4f}", f"{row.size_bytes / MIB:.3f}") == (bops, ops, mib)


@pytest.mark.parametrize(
    ("name", "parameters", "binary"),
    [
        ("bnext-t", "30.862", 28_253_184),
        ("bnext-s", "68.595", 63_569_664),
        ("bnext-m", "134.502", 126_238_464),
        ("bnext-l", "326.547", 308_310_016),
        ("bnext-18", "12.065", 10_985_472),
        ("reactnet-a", "29.344", 28_253_184),
        ("reactnet-18", "11.704", 10_985_472),
        ("bireal-18", "11.690", 10_985_472),
        ("bireal-34", "21.798", 21_086_208),
        ("reactnet-34", "21.827", 21_086_208),
    ],
)
def test_parameters_are_the_verified_ones_once_the_unused_are_added(table: CostTable, name: str, parameters: str, binary: int) -> None:
    row = find(table, name)
    assert f"{(row.parameters + row.unused) / 1e6:.3f}" == parameters
    assert row.binary_weights == binary


def test_real_to_binary_has_the_published_size_and_the_differences_of_its_table(table: CostTable) -> None:
    full, binary_skip = find(table, "real-to-binary-18"), find(table, "real-to-binary-18", "shortcut=pool-binary")
    double_skip = find(table, "bireal-18", "shortcut=pool-binary")
    assert (f"{full.bops / 1e9:.5f}", f"{full.parameters / 1e6:.5f}", f"{full.size_bytes / MIB:.4f}") == ("1.67628", "11.98692", "5.1298")
    assert full.parameters == 11_986_920
    assert full.real["stem"] + full.real["fc"] == 118_525_952 == sum(double_skip.real.values())
    assert sum(full.real.values()) - sum(binary_skip.real.values()) == 19_267_584 == full.real["shortcut"]
    assert f"{full.real['gate'] / 1e6:.3f}" == "0.294"
    assert binary_skip.bops == double_skip.bops == full.bops + 19_267_584


def test_the_gates_of_real_to_binary_cost_what_the_differences_of_its_table_say() -> None:
    with torch.device("meta"):
        network = build("real-to-binary-18", input_shape=(3, 224, 224), num_classes=1000)
        sizes: list[int] = []
        for unit in network.modules():
            if isinstance(unit, RealToBinaryUnit):
                unit.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].numel()))
        network(torch.zeros(1, 3, 224, 224))
    pixels = sum(sizes)
    matrices = sum(gate.squeeze.weight.numel() + gate.excite.weight.numel() for gate in network.modules() if isinstance(gate, Gate))
    assert (f"{pixels / 1e6:.3f}", f"{matrices / 1e6:.3f}", f"{(pixels + matrices) / 1e6:.3f}") == ("1.681", "0.294", "1.975")
    assert sum(buffer.numel() for name, buffer in network.named_buffers() if "running" in name) + 11_986_920 == 11_995_624


@pytest.mark.parametrize(
    ("name", "qops", "ops", "mib"),
    [
        ("bnext-t", "13.345", "0.769", "5.41"),
        ("bnext-s", "21.129", "1.720", "11.16"),
        ("bnext-m", "24.262", "3.169", "20.50"),
        ("bnext-l", "39.419", "8.198", "47.91"),
        ("bnext-18", "138.142", "0.435", "2.27"),
    ],
)
def test_quantised_bnext_costs_what_was_verified(table: CostTable, name: str, qops: str, ops: str, mib: str) -> None:
    row = find(table, name)
    figures = (f"{sum(row.real.values()) / 1e6:.3f}", f"{row.quantised_ops / 1e8:.3f}", f"{row.quantised_size_bytes / MIB:.2f}")
    assert figures == (qops, ops, mib)


def test_small_images_cost_what_was_verified(table: CostTable) -> None:
    tiny, eighteen = find(table, "bnext-t", side=32), find(table, "bnext-18", side=32)
    assert (tiny.bops, f"{(tiny.parameters + tiny.unused) / 1e6:.2f}") == (393_216_000, "29.94")
    assert (f"{eighteen.bops / 1e6:.3f}", f"{(eighteen.parameters + eighteen.unused) / 1e6:.3f}") == ("547.357", "11.595")


def test_real_resnet_18_costs_what_was_verified(table: CostTable) -> None:
    row = find(table, "resnet-18")
    assert (row.bops, f"{row.ops / 1e6:.2f}", f"{row.parameters / 1e6:.2f}") == (0, "1814.07", "11.69")


def test_every_row_is_counted_at_a_registered_network_and_is_json(table: CostTable) -> None:
    assert {lookup(row.entry.name).name for row in table.rows} == {row.entry.name for row in table.rows}
    assert len(json.loads(json.dumps(table.to_json()))["rows"]) == len(table.rows)


def test_a_path_that_cannot_be_written_and_no_path_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err == "0 arguments; one is expected, the file to write: docs/cost-table.md\n"
    assert main([str(tmp_path / "missing" / "table.md")]) == 2
    assert capsys.readouterr().err.endswith("missing/table.md cannot be written: No such file or directory\n")
