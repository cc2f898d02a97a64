"""The boards of the AXI DMA shell: part, ports and the properties of the processing system that the fabric sees.

No board files are needed: memory, pins and clocks of the processing system itself come from the board's PYNQ image, which has
booted long before a bitstream is loaded. Only what crosses into the fabric is set here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Resources
from xnorflow.hw.folding.solve import Budget

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARE = 0.7  # of a part that a network may take; the shell, and room to place and route, need the rest


@dataclass(frozen=True)
class ProcessingSystem:
    """The stock IP of a family's processing system, and the names of its ports.

    Attributes:
        ip: name of the IP.
        clock, reset: pins of the fabric's reference clock (100 MHz) and of its active-low reset.
        control, control_clock: AXI master that reaches the DMA's registers.
        memory, memory_clock: AXI slave through which the DMA reaches memory.
        memory_bits: width of that slave.
        address_bits: of the DMA's addresses.
        external: interfaces that leave the chip, with their types.
        properties: of the IP.
    """

    ip: str
    clock: str
    reset: str
    control: str
    control_clock: str
    memory: str
    memory_clock: str
    memory_bits: int
    address_bits: int
    external: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Board:
    """One board.

    Attributes:
        name: as FINN calls it.
        part: AMD's part number.
        xc7: whether the 7-series bodies of the cells fit (``XF_XC7``).
        system: its processing system.
        part_has: LUTs, flip-flops, BRAM18 and DSPs of the part (AMD's DS190, DS891 and DS987).
    """

    name: str
    part: str
    xc7: bool
    system: ProcessingSystem
    part_has: Resources

    @property
    def budget(self) -> Budget:
        """What a network may take: :data:`SHARE` of the part."""
        has = self.part_has
        return Budget(int(has.lut * SHARE), int(has.ff * SHARE), int(has.bram18 * SHARE), int(has.dsp * SHARE))


_ZYNQ = ProcessingSystem(
    ip="processing_system7",
    clock="FCLK_CLK0",
    reset="FCLK_RESET0_N",
    control="M_AXI_GP0",
    control_clock="M_AXI_GP0_ACLK",
    memory="S_AXI_HP0",
    memory_clock="S_AXI_HP0_ACLK",
    memory_bits=64,
    address_bits=32,
    external={"DDR": "xilinx.com:interface:ddrx_rtl:1.0", "FIXED_IO": "xilinx.com:display_processing_system7:fixedio_rtl:1.0"},
    properties={
        "PCW_CRYSTAL_PERIPHERAL_FREQMHZ": "50",
        "PCW_APU_PERIPHERAL_FREQMHZ": "650",
        "PCW_FPGA0_PERIPHERAL_FREQMHZ": "100",
        "PCW_FPGA_FCLK0_ENABLE": "1",
        "PCW_EN_CLK0_PORT": "1",
        "PCW_EN_RST0_PORT": "1",
        "PCW_USE_M_AXI_GP0": "1",
        "PCW_USE_S_AXI_HP0": "1",
        "PCW_S_AXI_HP0_DATA_WIDTH": "64",
    },
)
_ZYNQ_ULTRASCALE = ProcessingSystem(
    ip="zynq_ultra_ps_e",
    clock="pl_clk0",
    reset="pl_resetn0",
    control="M_AXI_HPM0_FPD",
    control_clock="maxihpm0_fpd_aclk",
    memory="S_AXI_HP0_FPD",
    memory_clock="saxihp0_fpd_aclk",
    memory_bits=128,
    address_bits=40,
    properties={
        "PSU__OVERRIDE__BASIC_CLOCK": "0",
        "PSU__FPGA_PL0_ENABLE": "1",
        "PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ": "100",
        "PSU__USE__FABRIC__RST": "1",
        "PSU__USE__M_AXI_GP0": "1",
        "PSU__USE__M_AXI_GP1": "0",
        "PSU__USE__M_AXI_GP2": "0",
        "PSU__USE__S_AXI_GP2": "1",
        "PSU__SAXIGP2__DATA_WIDTH": "128",
    },
)

BOARDS = {
    board.name: board
    for board in (
        Board("Pynq-Z1", "xc7z020clg400-1", True, _ZYNQ, Resources(53_200, 106_400, 280, 220)),
        Board("Pynq-Z2", "xc7z020clg400-1", True, _ZYNQ, Resources(53_200, 106_400, 280, 220)),
        Board("Ultra96", "xczu3eg-sbva484-1-e", False, _ZYNQ_ULTRASCALE, Resources(70_560, 141_120, 432, 360)),
        Board("KV260_SOM", "xck26-sfvc784-2LV-c", False, _ZYNQ_ULTRASCALE, Resources(117_120, 234_240, 288, 1_248)),
    )
}


def board_named(name: str) -> Board:
    """The board of that name.

    Raises:
        BadInputError: there is none.
    """
    if name not in BOARDS:
        raise BadInputError(f"board {name!r} is unknown; accepted are {', '.join(BOARDS)}")
    return BOARDS[name]
