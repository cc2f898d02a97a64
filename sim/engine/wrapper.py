"""The generated part of a compiled model: a module around one or more tops, and the C++ table of their ports."""

from __future__ import annotations

from dataclasses import dataclass

_IN_PORTS = ("ap_clk", "ap_rst_n", "s_axis_tvalid", "s_axis_tlast", "m_axis_tready")
_OUT_PORTS = ("s_axis_tready", "m_axis_tvalid", "m_axis_tlast")


@dataclass(frozen=True)
class ProbeNets:
    """An internal stream to watch: names of its nets inside the top, and the payload bits of a beat."""

    name: str
    valid: str
    ready: str
    data: str
    bits: int

    @property
    def bytes(self) -> int:
        """Bytes of a recorded beat."""
        return (self.bits + 7) // 8


@dataclass(frozen=True)
class Top:
    """One top of a model: its module name, bytes of a beat in and out, and the internal streams to watch."""

    module: str
    in_bytes: int
    out_bytes: int
    probes: tuple[ProbeNets, ...] = ()


def wrapper_module(tops: tuple[Top, ...]) -> str:
    """The Verilog of module ``xf_sim``: each top with ports of its own, so that only the one in use is clocked."""
    ports: list[str] = []
    body: list[str] = []
    for index, top in enumerate(tops):
        prefix = f"t{index}"
        ports += [f"input wire {prefix}_{p}" for p in _IN_PORTS] + [f"output wire {prefix}_{p}" for p in _OUT_PORTS]
        ports += [f"input wire [{8 * top.in_bytes - 1}:0] {prefix}_s_axis_tdata", f"output wire [{8 * top.out_bytes - 1}:0] {prefix}_m_axis_tdata"]
        names = (*_IN_PORTS, *_OUT_PORTS, "s_axis_tdata", "m_axis_tdata")
        body.append(f"  {top.module} u_{prefix} ({', '.join(f'.{p}({prefix}_{p})' for p in names)});")
        for number, probe in enumerate(top.probes):
            stem = f"{prefix}_p{number}"
            ports += [f"output wire {stem}_valid", f"output wire {stem}_ready", f"output wire [{8 * probe.bytes - 1}:0] {stem}_data"]
            pad = 8 * probe.bytes - probe.bits
            data = f"u_{prefix}.{probe.data}"
            padded = f"{{{pad}'b0, {data}}}" if pad else data
            body.append(f"  assign {stem}_valid = u_{prefix}.{probe.valid};")
            body.append(f"  assign {stem}_ready = u_{prefix}.{probe.ready};")
            body.append(f"  assign {stem}_data = {padded};")
    return "\n".join(
        ["`default_nettype none", "module xf_sim (", ",\n".join(f"  {p}" for p in ports), ");", *body, "endmodule", "`default_nettype wire", ""]
    )


def port_table(tops: tuple[Top, ...]) -> str:
    """The C++ that makes an instance of the model and lists where its ports lie (see ``dut.hpp``)."""
    lines = [
        "#include <verilated.h>",
        '#include "Vxf_sim.h"',
        '#include "dut.hpp"',
        "",
        "double sc_time_stamp() { return 0; }",
        "",
        "namespace xf {",
        "",
        "Model make_model(uint32_t seed) {",
        "  struct Instance {",
        "    VerilatedContext context;",
        "    std::unique_ptr<Vxf_sim> top;",
        "  };",
        "  auto instance = std::make_shared<Instance>();",
        "  instance->context.randReset(2);",
        "  instance->context.randSeed(static_cast<int>(seed));",
        '  instance->top = std::make_unique<Vxf_sim>(&instance->context, "xf_sim");',
        "  Vxf_sim* const t = instance->top.get();",
        "  Model model{[t] { t->eval(); }, {}, instance};",
    ]
    for index, top in enumerate(tops):
        lines += _table_entry(f"t{index}", top)
    return "\n".join([*lines, "  return model;", "}", "", "}  // namespace xf", ""])


def _table_entry(prefix: str, top: Top) -> list[str]:
    ports = f"&t->{prefix}_"
    lines = [
        f"  *({ports}ap_clk) = *({ports}s_axis_tvalid) = *({ports}m_axis_tready) = *({ports}s_axis_tlast) = 0;",
        f'  model.duts.push_back({{"{top.module}", {ports}ap_clk, {ports}ap_rst_n, {ports}s_axis_tvalid, {ports}s_axis_tlast, {ports}s_axis_tready,',
        f"                        {ports}s_axis_tdata, {top.in_bytes}, {ports}m_axis_tready, {ports}m_axis_tvalid, {ports}m_axis_tlast,",
        f"                        {ports}m_axis_tdata, {top.out_bytes}, {{}}}});",
    ]
    for number, probe in enumerate(top.probes):
        stem = f"{ports}p{number}"
        lines.append(f'  model.duts.back().probes.push_back({{"{probe.name}", {stem}_valid, {stem}_ready, {stem}_data, {probe.bytes}}});')
    return lines
