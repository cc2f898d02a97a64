"""What it takes to run FINN+ 1.6.1 where no Xilinx tool is installed; import it, and call :func:`install`, before any FINN module."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

from xnorflow.errors import MissingToolError

if TYPE_CHECKING:
    from pathlib import Path

_NO_VIVADO = "/nonexistent/Vivado/2024.2"


def require_finn() -> None:
    """Raise MissingToolError, with what to install, where FINN+ is not."""
    if importlib.util.find_spec("finn") is None:
        raise MissingToolError("FINN+ is missing; get it by: pip install finn-plus==1.6.1 (the extra `finn` of xnorflow)")


def install(scratch: Path) -> None:
    """Make FINN importable and its builder obedient, in this process, which should have no other business.

    Args:
        scratch: folder for what FINN's steps generate; its path holds no blank, because FINN splits its commands at them.

    Raises:
        MissingToolError: FINN+ is not installed.
    """
    require_finn()
    scratch.mkdir(parents=True, exist_ok=True)
    os.environ["FINN_BUILD_DIR"] = str(scratch)
    # FINN would make ~/.finn; it takes a settings file that does not exist for an empty one.
    os.environ.setdefault("FINN_SETTINGS", str(scratch / "settings.yaml"))
    # Every build ends with a look at the name of Vivado's folder, whether or not a step needed Vivado.
    os.environ.setdefault("XILINX_VIVADO", _NO_VIVADO)
    # Values are compared as they come out; QONNX would first round them to their types.
    os.environ["SANITIZE_QUANT_TENSORS"] = "0"
    _import_shim()
    _spawn_trap()
    _exit_code_trap()


def _import_shim() -> None:
    """Importing the builder's steps asks for SimEngine, which needs Vivado's simulator compiled; nothing here simulates with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import finn.util.settings as settings
        import finn.xsi as xsi

        settings.initialize_dummy_settings()
    # FINN's Tcl reads these; its own command line sets them, after a look for Vivado.
    os.environ["FINN_RTLLIB"] = str(settings.get_settings().finn_rtllib)
    os.environ["FINN_CUSTOM_HLS"] = str(settings.get_settings().finn_custom_hls)
    os.environ.setdefault("XILINX_LOCAL_USER_DATA", "no")
    for name in xsi._LAZY_NAMES:
        xsi.__dict__.setdefault(name, _NoSimulator)
    xsi.ensure_available = xsi.is_available = lambda: False


class _NoSimulator:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("Vivado's simulator is not used by xnorflow; its RTL is simulated with Verilator")


def _spawn_trap() -> None:
    """Worker processes that are spawned know no operators registered at run time (KeyError: Op not found): one worker, or forked ones."""
    os.environ["NUM_DEFAULT_WORKERS"] = "1"
    os.environ["FINN_MP_START_METHOD"] = "fork"
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork", force=True)


def _exit_code_trap() -> None:
    """The builder logs an exception and returns -1, which hides what failed; inside a test, as it thinks it is, it raises it."""
    os.environ["PYTEST_CURRENT_TEST"] = "xnorflow"
