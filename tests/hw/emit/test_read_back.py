"""pyverilog reads the emitted tops; what it reads is what the graph says, and a wrong netlist is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from xnorflow.errors import CheckFailedError
from xnorflow.hw.emit import emit
from xnorflow.hw.emit.read_back import check_read_back, read_back
from xnorflow.hw.fifo_sizing import insert_fifos
from xnorflow.hw.folding import FoldingRequest, fold
from xnorflow.hw.graph import Graph

FOLDINGS = {"cnn": {"conv0": {"PE": 2, "SIMD": 9}}, "residual": {"fc": {"SIMD": 2}}, "gated": {}, "squeezed": {}}


def graph_of(networks, name: str) -> Graph:
    return insert_fifos(fold(getattr(networks, name)(), FoldingRequest(layers={"Defaults": {}, **FOLDINGS[name]})))[0]


@pytest.mark.parametrize("name", FOLDINGS)
def test_every_cell_parameter_and_connection_is_the_graphs(networks, name: str, tmp_path: Path) -> None:
    graph = graph_of(networks, name)
    emit(graph, tmp_path, name)
    netlist = read_back((tmp_path / f"{name}.v").read_text())
    check_read_back(netlist, graph, name)
    files = [value for cell in netlist.instances.values() for value in cell.parameters.values() if isinstance(value, str)]
    assert files
    assert all((tmp_path / file).is_file() for file in files)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (".Taps(4)", ".Taps(5)", "u_pool2 is xf_max_pool"),
        ("in_valid_i(n_win1_valid)", "in_valid_i(n_win2_valid)", "port in_valid_i of u_conv1"),
        ("in_data_i(n_win1_data)", "in_data_i(n_win1_data[0])", "port in_data_i of u_conv1"),
        (".m_axis_tlast_o(m_axis_tlast)", ".m_axis_tlast_o(m_axis_tvalid)", "m_axis_tvalid has 2 drivers"),
        ("\n  u_pool2\n", "\n  u_pool3\n", "other cells than its graph"),
    ],
)
def test_a_wrong_netlist_is_refused(networks, right: str, wrong: str, message: str, tmp_path: Path) -> None:
    graph = graph_of(networks, "cnn")
    emit(graph, tmp_path)
    text = (tmp_path / "top.v").read_text()
    assert text.count(right) == 1
    with pytest.raises(CheckFailedError, match=message):
        check_read_back(read_back(text.replace(right, wrong)), graph, "top")
