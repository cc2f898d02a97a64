from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xnorflow.errors import BadInputError, CheckFailedError
from xnorflow.hw.cell import Memory
from xnorflow.hw.emit import emit
from xnorflow.hw.emit.check import check_netlist
from xnorflow.hw.emit.folder import library_sources, memory_text
from xnorflow.hw.fifo_sizing import insert_fifos
from xnorflow.hw.folding import FoldingRequest, fold
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.graph import Graph

REQUEST = FoldingRequest(layers={"conv0": {"PE": 2, "SIMD": 9}, "conv1": {"PE": 6, "SIMD": 12}, "fc": {"PE": 5, "SIMD": 27}})


@pytest.fixture
def graph(networks) -> Graph:
    return insert_fifos(fold(networks.cnn(), REQUEST))[0]


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_graph_gives_the_same_bytes(graph: Graph, tmp_path: Path) -> None:
    emit(graph, tmp_path / "a")
    emit(graph, tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_every_hardware_node_is_one_instance_of_its_cell(graph: Graph, tmp_path: Path) -> None:
    emit(graph, tmp_path)
    text = (tmp_path / "top.v").read_text()
    for node in hardware_nodes(graph):
        module = node.cell(graph.types_of(node)).module
        assert re.search(rf"\n  {module}\n  #\([^;]*?\)\n  u_{node.name}\n", text), node.name
        assert (tmp_path / "rtl" / f"{module}.sv").is_file()
    assert text.count("  u_") == len(hardware_nodes(graph))


def test_only_the_cells_that_are_used_are_copied(networks, tmp_path: Path) -> None:
    emit(fold(networks.mlp(), FoldingRequest()), tmp_path)
    copied = {p.stem for p in (tmp_path / "rtl").iterdir()}
    assert {"xf_matvec_xnor", "xf_popcount", "xf_threshold", "xf_axis_in", "xf_axis_out"} <= copied
    assert not copied & {"xf_sliding_window", "xf_pad", "xf_max_pool", "xf_matvec_int", "xf_argmax"}


def test_the_xc7_bodies_are_the_trees_of_the_widths_in_use(networks, tmp_path: Path) -> None:
    folded = fold(
        networks.mlp((64, 32, 32, 10)), FoldingRequest(layers={"fc0": {"PE": 4, "SIMD": 16}, "fc1": {"PE": 32, "SIMD": 32}, "fc2": {"SIMD": 8}})
    )
    emit(folded, tmp_path)
    (trees,) = (tmp_path / "xc7").iterdir()
    assert re.findall(r"^module (\w+)", trees.read_text(), re.MULTILINE) == [
        "xf_popcount_tree_32",
        "xf_xnor_tree_8",
        "xf_xnor_tree_16",
        "xf_popcount_tree",
        "xf_xnor_tree",
        "xf_rom_pairs_0",
        "xf_rom_pairs_1",
        "xf_rom_pairs",
    ], "the weights of fc0 are 32 words, those of fc1 one, those of fc2 more"
    used = set(re.findall(r"^  (xf_count_\w+)", trees.read_text(), re.MULTILINE))
    assert {"xf_count_leaf", "xf_count_7"} <= used
    assert used <= {p.stem for p in (tmp_path / "rtl").iterdir()}
    (adders,) = (tmp_path / "asic").iterdir()
    modules = re.findall(r"^module (\w+)", adders.read_text(), re.MULTILINE)
    assert modules == ["xf_popcount_tree_8", "xf_popcount_tree_16", "xf_popcount_tree_32", "xf_popcount_tree"]
    assert set(re.findall(r"^  (xf_count_\w+)", adders.read_text(), re.MULTILINE)) == {"xf_count_2", "xf_count_3"}
    assert (tmp_path / "rtl" / "xf_count_2.sv").is_file()


def test_every_memory_image_has_the_size_that_its_cell_says(graph: Graph, tmp_path: Path) -> None:
    emit(graph, tmp_path)
    named = set(re.findall(r'"(mem/[^"]+)"', (tmp_path / "top.v").read_text()))
    assert named == {f"mem/{p.name}" for p in (tmp_path / "mem").iterdir()}
    for node in hardware_nodes(graph):
        for parameter, memory in node.cell(graph.types_of(node)).memories.items():
            lines = (tmp_path / f"mem/top_{node.name}_{parameter.lower()}.mem").read_text().splitlines()
            depth, width = memory.words.shape
            assert [int(line, 16) for line in lines] == [int("".join(map(str, word[::-1])), 2) for word in memory.words.tolist()]
            assert len(lines) == depth
            assert {len(line) for line in lines} == {(width + 3) // 4}


@pytest.mark.parametrize("width", [1, 3, 4, 5, 8, 9, 64, 65])
def test_a_memory_word_is_written_with_its_highest_digit_first(width: int) -> None:
    words = np.zeros((2, width), dtype=np.uint8)
    words[0, 0] = words[1, -1] = 1
    first, second = memory_text(Memory(words)).splitlines()
    assert (int(first, 16), int(second, 16)) == (1, 1 << (width - 1))


def test_several_networks_share_a_folder_under_their_own_names(graph: Graph, networks, tmp_path: Path) -> None:
    emit(graph, tmp_path, "net_a")
    emit(fold(networks.mlp(), FoldingRequest()), tmp_path, "net_b")
    assert "module net_a\n" in (tmp_path / "net_a.v").read_text()
    assert "module net_b\n" in (tmp_path / "net_b.v").read_text()
    assert all(p.name.startswith(("net_a_", "net_b_")) for p in (tmp_path / "mem").iterdir())


@pytest.mark.parametrize("name", ["a; $finish", "../x", "a b", "", "1st", 'x"y', "a\nb", "ä", "x" * 121])
def test_a_name_that_is_no_identifier_is_refused_and_writes_nothing(networks, tmp_path: Path, name: str) -> None:
    folded = fold(networks.mlp(), FoldingRequest())
    nodes = [replace(node, name=name) if node.name == "fc1" else node for node in folded.nodes]
    with pytest.raises(BadInputError, match="is not an identifier") as caught:
        emit(folded.with_nodes(nodes), tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_names_that_are_keywords_or_look_like_ports_are_harmless(networks, tmp_path: Path) -> None:
    folded = fold(networks.mlp(), FoldingRequest())
    names = iter(("module", "endmodule", "ap_clk", "n_wire", "u_x", "x_in", "axis_in", "begin", "s_axis_tdata", "input", "top"))
    emit(folded.with_nodes(replace(node, name=next(names)) for node in folded.nodes), tmp_path)


def test_a_wrong_width_is_found_by_elaboration(graph: Graph, tmp_path: Path) -> None:
    emit(graph, tmp_path)
    netlist = tmp_path / "top.v"
    text = netlist.read_text()
    netlist.write_text(text.replace(".Simd(12)", ".Simd(24)", 1))
    assert netlist.read_text() != text
    with pytest.raises(CheckFailedError, match=r"top\.v:\d+: "):
        check_netlist(netlist, sorted((tmp_path / "rtl").iterdir()), "top")


def test_a_missing_port_is_found_by_elaboration(graph: Graph, tmp_path: Path) -> None:
    emit(graph, tmp_path)
    netlist = tmp_path / "top.v"
    netlist.write_text(netlist.read_text().replace("    .in_valid_i(n_sign0_valid),\n", "", 1))
    with pytest.raises(CheckFailedError, match="generated netlist"):
        check_netlist(netlist, sorted((tmp_path / "rtl").iterdir()), "top")


def test_library_sources_come_with_what_they_instantiate() -> None:
    assert "xf_fifo" in library_sources({"xf_threshold"})
    assert list(library_sources({"xf_pad", "xf_axis_in"})) == sorted(library_sources({"xf_pad", "xf_axis_in"}))


@pytest.mark.icarus
@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
def test_icarus_accepts_the_netlist(graph: Graph, tmp_path: Path) -> None:
    emit(graph, tmp_path)
    sources = [f"rtl/{p.name}" for p in sorted((tmp_path / "rtl").iterdir())]
    done = subprocess.run(
        ["iverilog", "-g2012", "-Wall", "-o", "out", "-s", "top", "top.v", *sources], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.verilator
def test_verilator_finds_nothing_to_warn_of(graph: Graph, tmp_path: Path) -> None:
    from xnorflow.sim.engine.environment import verilator_environment

    emit(graph, tmp_path)
    sources = [f"rtl/{p.name}" for p in sorted((tmp_path / "rtl").iterdir())]
    command = ["verilator", "--lint-only", "-Wall", "--top-module", "top", "top.v", *sources]
    done = subprocess.run(command, cwd=tmp_path, env=verilator_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
